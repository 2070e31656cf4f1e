// Renders a chart as `helm template` does, and prints what it would install as JSON.
//
// Debian has no Helm. It has what Helm's engine is made of: Go's templates, sprig, sigs.k8s.io/yaml and gojsonschema. What is Helm's own
// (merging values, subcharts, its functions, hooks, the order of installation) is in this folder, as far as our charts use it; what
// they do not use is an error and not a guess.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

type list []string

func (l *list) String() string         { return strings.Join(*l, ",") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

// Release is what templates know of the release.
type Release struct {
	Name, Namespace, Service string
	Revision                 int
	IsInstall, IsUpgrade     bool
}

func main() {
	var files, sets, texts, versions list
	name := flag.String("name", "release-name", "the release's name")
	namespace := flag.String("namespace", "default", "the release's namespace")
	revision := flag.Int("revision", 1, "which revision of the release this is")
	kubeVersion := flag.String("kube-version", "v1.20.2", "the cluster's version")
	flag.Var(&files, "values", "a file of values; later ones go before earlier ones")
	flag.Var(&sets, "set", "path.to.value=value")
	flag.Var(&texts, "set-string", "path.to.value=text")
	flag.Var(&versions, "api-version", "what the cluster serves, such as policy/v1")
	documents := flag.Bool("documents", false, "in place of rendering a chart, print the YAML documents of standard input as a list")
	flag.Parse()
	if *documents {
		found, err := readDocuments(os.Stdin)
		fail(err)
		write(found)
		return
	}
	if flag.NArg() != 1 {
		fail(fmt.Errorf("one chart's folder is wanted, not %d", flag.NArg()))
	}
	chart, err := loadChart(flag.Arg(0))
	fail(err)
	values, err := givenValues(files, sets, texts)
	fail(err)
	release := Release{*name, *namespace, "Helm", *revision, *revision == 1, *revision > 1}
	rendered, err := render(chart, values, release, capabilities(*kubeVersion, versions))
	fail(err)
	write(rendered)
}

func write(value interface{}) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	fail(encoder.Encode(value))
}

func readDocuments(reader io.Reader) ([]interface{}, error) {
	text, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	found := []interface{}{}
	for _, document := range separator.Split(string(text), -1) {
		var value interface{}
		if err := yaml.UnmarshalStrict([]byte(document), &value); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		if value != nil {
			found = append(found, value)
		}
	}
	return found, nil
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}
