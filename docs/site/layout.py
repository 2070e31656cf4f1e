"""What every page of the site looks like around its content."""

import html

TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{up}style.css">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<p class="top"><a class="name" href="{up}index.html">Stasis</a> <a href="#pages">Pages</a></p>
<div class="page">
<main id="content">
{content}
</main>
<nav class="site" id="pages" aria-label="Pages">
<a class="name" href="{up}index.html">Stasis</a>
{navigation}
</nav>
</div>
</body>
</html>
"""


def page(title: str, content: str, navigation: str, up: str = "") -> str:
    """A whole page; `up` leads from its folder to the site's."""
    return TEMPLATE.format(title=html.escape(title), content=content, navigation=navigation, up=up)
