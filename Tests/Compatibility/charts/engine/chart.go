package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

// Dependency is one line of `dependencies` in Chart.yaml.
type Dependency struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository"`
	Alias      string `json:"alias"`
	Condition  string `json:"condition"`
}

// Metadata is Chart.yaml. What is not here is an error: no template could see it.
type Metadata struct {
	APIVersion   string            `json:"apiVersion"`
	Name         string            `json:"name"`
	Description  string            `json:"description"`
	Type         string            `json:"type"`
	Version      string            `json:"version"`
	AppVersion   string            `json:"appVersion"`
	KubeVersion  string            `json:"kubeVersion"`
	Home         string            `json:"home"`
	Icon         string            `json:"icon"`
	Keywords     []string          `json:"keywords"`
	Sources      []string          `json:"sources"`
	Dependencies []Dependency      `json:"dependencies"`
	Annotations  map[string]string `json:"annotations"`
}

// Chart is a chart with its subcharts.
type Chart struct {
	Metadata  Metadata
	Values    map[string]interface{}
	Schema    []byte
	Templates map[string]string
	Files     Files
	Subcharts []*Chart
}

// loadChart reads a folder. Links are followed, as Helm follows them.
func loadChart(folder string) (*Chart, error) {
	chart := &Chart{Templates: map[string]string{}, Files: Files{}, Values: map[string]interface{}{}}
	contents := map[string][]byte{}
	if err := readFolder(folder, "", contents); err != nil {
		return nil, err
	}
	subcharts := map[string]bool{}
	for name, data := range contents {
		switch {
		case name == "Chart.yaml":
			if err := yaml.UnmarshalStrict(data, &chart.Metadata); err != nil {
				return nil, fmt.Errorf("%s/Chart.yaml: %w", folder, err)
			}
		case name == "values.yaml":
			if err := yaml.UnmarshalStrict(data, &chart.Values); err != nil {
				return nil, fmt.Errorf("%s/values.yaml: %w", folder, err)
			}
		case name == "values.schema.json":
			chart.Schema = data
		case strings.HasPrefix(name, "templates/"):
			chart.Templates[name] = string(data)
		case strings.HasPrefix(name, "charts/"):
			subcharts[strings.SplitN(name, "/", 3)[1]] = true
		case strings.HasPrefix(name, "crds/"):
			return nil, fmt.Errorf("%s: what is in crds/ is never upgraded", folder)
		default:
			chart.Files[name] = data
		}
	}
	if chart.Metadata.APIVersion != "v2" || chart.Metadata.Name == "" || chart.Metadata.Version == "" {
		return nil, fmt.Errorf("%s/Chart.yaml: apiVersion v2, a name and a version are needed", folder)
	}
	for _, name := range sortedKeys(subcharts) {
		subchart, err := loadChart(filepath.Join(folder, "charts", name))
		if err != nil {
			return nil, err
		}
		chart.Subcharts = append(chart.Subcharts, subchart)
	}
	return chart, nil
}

func readFolder(folder, prefix string, contents map[string][]byte) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path, name := filepath.Join(folder, entry.Name()), prefix+entry.Name()
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.IsDir() {
			err = readFolder(path, name+"/", contents)
		} else {
			contents[name], err = os.ReadFile(path)
			contents[name] = bytes.TrimPrefix(contents[name], []byte("\xef\xbb\xbf"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// resolve gives subcharts the names that the chart has for them, and leaves those out whose condition says so.
func (chart *Chart) resolve(values map[string]interface{}) error {
	var enabled []*Chart
	used := map[string]bool{}
	for _, dependency := range chart.Metadata.Dependencies {
		var found *Chart
		for _, subchart := range chart.Subcharts {
			if subchart.Metadata.Name == dependency.Name && subchart.Metadata.Version == dependency.Version {
				found = subchart
			}
		}
		if found == nil {
			return fmt.Errorf("%s: charts/ has no %s %s", chart.Metadata.Name, dependency.Name, dependency.Version)
		}
		used[dependency.Name] = true
		if dependency.Condition != "" {
			if on, ok := at(values, dependency.Condition).(bool); ok && !on {
				continue
			}
		}
		named := *found
		if dependency.Alias != "" {
			named.Metadata.Name = dependency.Alias
		}
		enabled = append(enabled, &named)
	}
	for _, subchart := range chart.Subcharts {
		if !used[subchart.Metadata.Name] {
			return fmt.Errorf("%s: charts/%s is no dependency in Chart.yaml", chart.Metadata.Name, subchart.Metadata.Name)
		}
	}
	chart.Subcharts = enabled
	for _, subchart := range chart.Subcharts {
		inner, _ := values[subchart.Metadata.Name].(map[string]interface{})
		if err := subchart.resolve(coalesce(inner, subchart.Values)); err != nil {
			return err
		}
	}
	return nil
}

// validate holds values against the schemas, the subcharts' too.
func (chart *Chart) validate(values map[string]interface{}) error {
	var complaints []string
	if chart.Schema != nil {
		result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(chart.Schema), gojsonschema.NewGoLoader(values))
		if err != nil {
			return fmt.Errorf("%s/values.schema.json: %w", chart.Metadata.Name, err)
		}
		for _, fault := range result.Errors() {
			complaints = append(complaints, "- "+fault.String())
		}
	}
	text := ""
	if len(complaints) > 0 {
		sort.Strings(complaints)
		text = fmt.Sprintf("%s:\n%s\n", chart.Metadata.Name, strings.Join(complaints, "\n"))
	}
	for _, subchart := range chart.Subcharts {
		inner, _ := values[subchart.Metadata.Name].(map[string]interface{})
		if err := subchart.validate(inner); err != nil {
			text += err.Error()
		}
	}
	if text != "" {
		return fmt.Errorf("values don't meet the specifications of the schema(s) in the following chart(s):\n%s", text)
	}
	return nil
}
