"""Lists: filters by state and metadata, and pages."""

from opensandbox.models.sandboxes import SandboxFilter

from sdk import Sdk
from testbed import Testbed


def test_filters_and_pages(sdk: Sdk, testbed: Testbed) -> None:
    ids = []
    for number, team in enumerate(("red", "blue", "red")):
        sandbox = sdk.create(testbed.image, metadata={"team": team, "example.org/number": str(number)})
        ids.append(sandbox.id)
    sdk(sdk.manager.pause_sandbox(ids[1]))
    sdk.wait_for(ids[1], "Paused")

    def listed(**arguments: object) -> list[str]:
        page = sdk(sdk.manager.list_sandbox_infos(SandboxFilter(**arguments)))
        return [info.id for info in page.sandbox_infos]

    assert listed() == list(reversed(ids)), "newest first"
    assert listed(states=["Paused"]) == [ids[1]]
    assert listed(states=["running"]) == [ids[2], ids[0]], "states are compared without case"
    assert listed(states=["Running", "Paused"]) == list(reversed(ids))
    assert listed(states=["Failed"]) == []
    assert listed(metadata={"team": "red"}) == [ids[2], ids[0]]
    assert listed(metadata={"team": "red", "example.org/number": "0"}) == [ids[0]]
    assert listed(metadata={"team": "green"}) == []
    assert listed(states=["Running"], metadata={"team": "blue"}) == []

    first = sdk(sdk.manager.list_sandbox_infos(SandboxFilter(page=1, page_size=2)))
    assert [info.id for info in first.sandbox_infos] == [ids[2], ids[1]]
    assert (first.pagination.page, first.pagination.page_size) == (1, 2)
    assert (first.pagination.total_items, first.pagination.total_pages) == (3, 2)
    assert first.pagination.has_next_page
    second = sdk(sdk.manager.list_sandbox_infos(SandboxFilter(page=2, page_size=2)))
    assert [info.id for info in second.sandbox_infos] == [ids[0]]
    assert not second.pagination.has_next_page


def test_an_empty_list(sdk: Sdk) -> None:
    page = sdk(sdk.manager.list_sandbox_infos(SandboxFilter()))
    assert page.sandbox_infos == []
    assert (page.pagination.total_items, page.pagination.total_pages) == (0, 0)
    assert not page.pagination.has_next_page
