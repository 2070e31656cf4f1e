package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// givenValues merges the files, later ones before earlier ones, and then what was set by words.
func givenValues(files, sets, texts []string) (map[string]interface{}, error) {
	values := map[string]interface{}{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		more := map[string]interface{}{}
		if err := yaml.Unmarshal(data, &more); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		values = merge(values, more)
	}
	for _, text := range sets {
		if err := set(values, text, typed); err != nil {
			return nil, err
		}
	}
	for _, text := range texts {
		if err := set(values, text, func(text string) interface{} { return text }); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// merge is how several files of values become one: maps are merged, everything else is replaced.
func merge(first, second map[string]interface{}) map[string]interface{} {
	merged := map[string]interface{}{}
	for key, value := range first {
		merged[key] = value
	}
	for key, value := range second {
		inner, isMap := value.(map[string]interface{})
		if before, wasMap := merged[key].(map[string]interface{}); isMap && wasMap {
			merged[key] = merge(before, inner)
		} else {
			merged[key] = value
		}
	}
	return merged
}

// set is one `--set`: a path of names and places in lists, and a value. `{a,b}` is a list; a comma separates several.
func set(values map[string]interface{}, text string, read func(string) interface{}) error {
	for _, part := range split(text, ',') {
		path, value, found := strings.Cut(part, "=")
		if !found {
			return fmt.Errorf("--set %s: has no =", text)
		}
		var parsed interface{}
		if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
			items := []interface{}{}
			for _, item := range split(value[1:len(value)-1], ',') {
				items = append(items, read(strings.ReplaceAll(item, `\`, "")))
			}
			parsed = items
		} else {
			parsed = read(strings.ReplaceAll(value, `\`, ""))
		}
		names := split(path, '.')
		current := values
		for _, name := range names[:len(names)-1] {
			name = strings.ReplaceAll(name, `\`, "")
			if strings.ContainsAny(name, "[]") {
				return fmt.Errorf("--set %s: places in lists are not known here", text)
			}
			inner, isMap := current[name].(map[string]interface{})
			if !isMap {
				inner = map[string]interface{}{}
				current[name] = inner
			}
			current = inner
		}
		current[strings.ReplaceAll(names[len(names)-1], `\`, "")] = parsed
	}
	return nil
}

// split cuts at a separator that is neither after a backslash nor between braces.
func split(text string, separator rune) []string {
	parts, part, depth, escaped := []string{}, "", 0, false
	for _, character := range text {
		switch {
		case escaped:
			escaped = false
		case character == '\\':
			escaped = true
		case character == '{':
			depth++
		case character == '}':
			depth--
		case character == separator && depth == 0:
			parts, part = append(parts, part), ""
			continue
		}
		part += string(character)
	}
	return append(parts, part)
}

// typed is what a word of `--set` is: true, false, null, a whole number, or text.
func typed(text string) interface{} {
	switch text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	case "0":
		return int64(0)
	}
	if number, err := strconv.ParseInt(text, 10, 64); err == nil && text[0] != '0' {
		return number
	}
	return text
}

// coalesce gives values what a chart says where they say nothing. A null takes away what the chart says.
func coalesce(values, defaults map[string]interface{}) map[string]interface{} {
	merged := map[string]interface{}{}
	for key, value := range values {
		if value != nil {
			merged[key] = value
		}
	}
	for key, standard := range defaults {
		value, given := values[key]
		if !given {
			if standard != nil {
				merged[key] = standard
			}
			continue
		}
		inner, isMap := value.(map[string]interface{})
		if below, wasMap := standard.(map[string]interface{}); isMap && wasMap {
			merged[key] = coalesce(inner, below)
		}
	}
	return merged
}

// coalesceAll does so for a chart and all below it. `global` is everybody's, and an outer one goes before an inner one.
func coalesceAll(chart *Chart, values map[string]interface{}) map[string]interface{} {
	merged := coalesce(values, chart.Values)
	for _, subchart := range chart.Subcharts {
		inner, _ := merged[subchart.Metadata.Name].(map[string]interface{})
		if inner == nil {
			inner = map[string]interface{}{}
		}
		outer, _ := merged["global"].(map[string]interface{})
		own, _ := inner["global"].(map[string]interface{})
		inner = merge(inner, map[string]interface{}{"global": merge(orEmpty(own), orEmpty(outer))})
		merged[subchart.Metadata.Name] = coalesceAll(subchart, inner)
	}
	return merged
}

func orEmpty(values map[string]interface{}) map[string]interface{} {
	if values == nil {
		return map[string]interface{}{}
	}
	return values
}

// at finds what is at a path of names.
func at(values map[string]interface{}, path string) interface{} {
	var current interface{} = values
	for _, name := range strings.Split(path, ".") {
		inner, isMap := current.(map[string]interface{})
		if !isMap {
			return nil
		}
		current = inner[name]
	}
	return current
}

func sortedKeys[V any](values map[string]V) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
