package main

import (
	"fmt"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"text/template"

	"github.com/Masterminds/semver"
	"sigs.k8s.io/yaml"
)

// Rendered is what a chart installs, in the order in which it does.
type Rendered struct {
	Objects []Object `json:"objects"`
	Hooks   []Object `json:"hooks"`
	Notes   string   `json:"notes"`
	// What templates had to go by, with all defaults.
	Values map[string]interface{} `json:"values"`
}

// Object is one object, with the template that it came from.
type Object struct {
	Template string                 `json:"template"`
	Object   map[string]interface{} `json:"object"`
}

// KubeVersion is what templates know of the cluster's version.
type KubeVersion struct{ Version, Major, Minor string }

func (version KubeVersion) String() string { return version.Version }

// GitVersion is an older name of Version.
func (version KubeVersion) GitVersion() string { return version.Version }

// VersionSet is what a cluster serves.
type VersionSet []string

// Has tells whether a cluster serves a version of a group, or a kind in one.
func (set VersionSet) Has(wanted string) bool {
	for _, version := range set {
		if version == wanted {
			return true
		}
	}
	return false
}

// Capabilities is what templates know of the cluster.
type Capabilities struct {
	KubeVersion KubeVersion
	APIVersions VersionSet
}

func capabilities(version string, served []string) Capabilities {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	return Capabilities{KubeVersion{version, parts[0], parts[1]}, append(VersionSet{"v1", "apps/v1"}, served...)}
}

// Helm's order of installation, as far as our charts have these kinds. An unknown one is an error: Helm puts it last.
var order = []string{
	"Namespace", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount", "Secret", "ConfigMap", "CustomResourceDefinition",
	"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service", "Deployment", "Job", "ServiceMonitor",
}

var separator = regexp.MustCompile(`(?:^|\s*\n)---\s*`)

// render makes everything of a chart.
func render(chart *Chart, given map[string]interface{}, release Release, capabilities Capabilities) (*Rendered, error) {
	if err := chart.resolve(coalesce(given, chart.Values)); err != nil {
		return nil, err
	}
	if err := chart.accepts(capabilities.KubeVersion.Version); err != nil {
		return nil, err
	}
	values := coalesceAll(chart, given)
	if err := chart.validate(values); err != nil {
		return nil, err
	}
	root := template.New("charts").Option("missingkey=zero")
	root.Funcs(functions(root))
	contexts := map[string]map[string]interface{}{}
	if err := parse(root, chart, chart.Metadata.Name, values, release, capabilities, contexts); err != nil {
		return nil, err
	}
	rendered := &Rendered{Objects: []Object{}, Hooks: []Object{}, Values: values}
	for _, name := range sortedKeys(contexts) {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		var text strings.Builder
		if err := root.ExecuteTemplate(&text, name, contexts[name]); err != nil {
			return nil, err
		}
		written := strings.ReplaceAll(text.String(), "<no value>", "")
		if path.Base(name) == "NOTES.txt" {
			// Those of subcharts are not shown.
			if name == chart.Metadata.Name+"/templates/NOTES.txt" {
				rendered.Notes = strings.TrimSpace(written)
			}
			continue
		}
		if err := rendered.add(name, written); err != nil {
			return nil, err
		}
	}
	return rendered, rendered.sort()
}

// accepts holds the cluster's version against what the charts want.
func (chart *Chart) accepts(version string) error {
	if wanted := chart.Metadata.KubeVersion; wanted != "" {
		constraint, err := semver.NewConstraint(wanted)
		if err != nil {
			return fmt.Errorf("%s/Chart.yaml: kubeVersion: %w", chart.Metadata.Name, err)
		}
		parsed, err := semver.NewVersion(version)
		if err != nil {
			return err
		}
		if !constraint.Check(parsed) {
			return fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", wanted, version)
		}
	}
	for _, subchart := range chart.Subcharts {
		if err := subchart.accepts(version); err != nil {
			return err
		}
	}
	return nil
}

func parse(
	root *template.Template, chart *Chart, folder string, values map[string]interface{}, release Release,
	capabilities Capabilities, contexts map[string]map[string]interface{},
) error {
	// What an outer chart defines goes before what an inner one does: it is parsed later.
	for _, subchart := range chart.Subcharts {
		inner, _ := values[subchart.Metadata.Name].(map[string]interface{})
		if err := parse(root, subchart, folder+"/charts/"+subchart.Metadata.Name, inner, release, capabilities, contexts); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(chart.Templates) {
		full := folder + "/" + name
		if _, err := root.New(full).Parse(chart.Templates[name]); err != nil {
			return err
		}
		contexts[full] = map[string]interface{}{
			"Chart": chart.Metadata, "Values": values, "Release": release, "Files": chart.Files, "Capabilities": capabilities,
			"Template": map[string]interface{}{"Name": full, "BasePath": folder + "/templates"},
		}
	}
	return nil
}

// add takes apart what a template has written.
func (rendered *Rendered) add(name, written string) error {
	for _, document := range separator.Split(written, -1) {
		var object map[string]interface{}
		if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
			return fmt.Errorf("%s: %w in\n%s", name, err, document)
		}
		if len(object) == 0 {
			continue
		}
		if _, isText := object["kind"].(string); !isText || at(object, "metadata.name") == nil {
			return fmt.Errorf("%s: no kind or no name in\n%s", name, document)
		}
		metadata := object["metadata"].(map[string]interface{})
		annotations, _ := metadata["annotations"].(map[string]interface{})
		for key, value := range annotations {
			if _, isText := value.(string); !isText {
				return fmt.Errorf("%s: the annotation %s of %v is no text", name, key, metadata["name"])
			}
		}
		if _, isHook := annotations["helm.sh/hook"]; isHook {
			rendered.Hooks = append(rendered.Hooks, Object{name, object})
		} else {
			rendered.Objects = append(rendered.Objects, Object{name, object})
		}
	}
	return nil
}

func (rendered *Rendered) sort() error {
	places := map[string]int{}
	for place, kind := range order {
		places[kind] = place
	}
	for _, object := range append(append([]Object{}, rendered.Objects...), rendered.Hooks...) {
		if _, known := places[object.Object["kind"].(string)]; !known {
			return fmt.Errorf("%s: when is a %v installed?", object.Template, object.Object["kind"])
		}
	}
	before := func(one, other Object) bool {
		if one.Object["kind"] != other.Object["kind"] {
			return places[one.Object["kind"].(string)] < places[other.Object["kind"].(string)]
		}
		return at(one.Object, "metadata.name").(string) < at(other.Object, "metadata.name").(string)
	}
	sort.SliceStable(rendered.Objects, func(i, j int) bool { return before(rendered.Objects[i], rendered.Objects[j]) })
	sort.SliceStable(rendered.Hooks, func(i, j int) bool {
		one, other := weight(rendered.Hooks[i]), weight(rendered.Hooks[j])
		if one != other {
			return one < other
		}
		return before(rendered.Hooks[i], rendered.Hooks[j])
	})
	return nil
}

func weight(object Object) int {
	annotations, _ := at(object.Object, "metadata.annotations").(map[string]interface{})
	text, _ := annotations["helm.sh/hook-weight"].(string)
	number, _ := strconv.Atoi(text)
	return number
}
