package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

// Files are those of a chart that are neither templates nor values nor charts.
type Files map[string][]byte

// Get is the contents of one; nothing if there is none.
func (files Files) Get(name string) string { return string(files[name]) }

// Glob is those whose names are of a form. As in Helm, `*` does not match a slash.
func (files Files) Glob(pattern string) (Files, error) {
	found := Files{}
	for name, data := range files {
		matches, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if matches {
			found[name] = data
		}
	}
	return found, nil
}

// functions are sprig's without those that Helm leaves out, and Helm's own.
func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	depth := 0
	all["include"] = func(name string, data interface{}) (string, error) {
		depth++
		defer func() { depth-- }()
		if depth > 100 {
			return "", fmt.Errorf("%s includes itself", name)
		}
		var text strings.Builder
		err := root.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all["tpl"] = func(text string, data interface{}) (string, error) {
		copied, err := root.Clone()
		if err != nil {
			return "", err
		}
		parsed, err := copied.New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var written strings.Builder
		err = parsed.Execute(&written, data)
		return strings.ReplaceAll(written.String(), "<no value>", ""), err
	}
	all["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, errors.New(message)
		}
		return value, nil
	}
	all["fail"] = func(message string) (string, error) { return "", errors.New(message) }
	// As with `helm template`: there is no cluster to ask.
	all["lookup"] = func(string, string, string, string) (map[string]interface{}, error) {
		return map[string]interface{}{}, nil
	}
	all["toYaml"] = func(value interface{}) (string, error) {
		data, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(data), "\n"), err
	}
	// Helm's own of these puts what went wrong into what they answer; here it is an error.
	all["fromYaml"] = func(text string) (map[string]interface{}, error) {
		value := map[string]interface{}{}
		return value, yaml.Unmarshal([]byte(text), &value)
	}
	all["fromYamlArray"] = func(text string) ([]interface{}, error) {
		value := []interface{}{}
		return value, yaml.Unmarshal([]byte(text), &value)
	}
	all["toJson"] = func(value interface{}) (string, error) {
		data, err := json.Marshal(value)
		return string(data), err
	}
	all["fromJson"] = func(text string) (map[string]interface{}, error) {
		value := map[string]interface{}{}
		return value, json.Unmarshal([]byte(text), &value)
	}
	return all
}
