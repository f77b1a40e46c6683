// Renders the templates of a chart as `helm template RELEASE CHART --values FILE` does, for machines without helm: text/template with
// the functions of sprig and those that helm adds. Writes the documents to standard output.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type object = map[string]interface{}

// files is what templates see as .Files.
type files struct{ folder string }

// Get returns the content of a file of the chart, or nothing, as helm does.
func (f files) Get(name string) string {
	content, err := os.ReadFile(filepath.Join(f.folder, name))
	if err != nil {
		return ""
	}
	return string(content)
}

func main() {
	if len(os.Args) != 4 {
		fail(errors.New("usage: helm-template RELEASE CHART VALUES"))
	}
	output, err := render(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fail(err)
	}
	fmt.Print(output)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func render(release, folder, valuesFile string) (string, error) {
	chart, err := read(filepath.Join(folder, "Chart.yaml"))
	if err != nil {
		return "", err
	}
	values, err := read(filepath.Join(folder, "values.yaml"))
	if err != nil {
		return "", err
	}
	given, err := read(valuesFile)
	if err != nil {
		return "", err
	}
	// Templates name the fields of Chart.yaml with a capital.
	described := object{}
	for name, value := range chart {
		described[strings.ToUpper(name[:1])+name[1:]] = value
	}
	context := object{
		"Values":  merge(values, given),
		"Chart":   described,
		"Release": object{"Name": release, "Namespace": "default", "Service": "Helm"},
		"Files":   files{folder},
	}
	return execute(folder, context)
}

func execute(folder string, context object) (string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	if err != nil {
		return "", err
	}
	sort.Strings(paths)
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		if _, err := root.New(filepath.Base(path)).Parse(string(content)); err != nil {
			return "", err
		}
	}
	var output strings.Builder
	for _, path := range paths {
		if !strings.HasSuffix(path, ".yaml") {
			continue
		}
		var document bytes.Buffer
		if err := root.ExecuteTemplate(&document, filepath.Base(path), context); err != nil {
			return "", err
		}
		// helm shows a missing value so, and drops it from what it prints.
		fmt.Fprintf(&output, "---\n%s\n", strings.ReplaceAll(document.String(), "<no value>", ""))
	}
	return output.String(), nil
}

func functions(root *template.Template) template.FuncMap {
	known := sprig.TxtFuncMap()
	known["include"] = func(name string, data interface{}) (string, error) {
		var text bytes.Buffer
		err := root.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	known["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	known["toYaml"] = func(value interface{}) (string, error) {
		var text bytes.Buffer
		encoder := yaml.NewEncoder(&text)
		encoder.SetIndent(2)
		err := encoder.Encode(value)
		return strings.TrimSuffix(text.String(), "\n"), err
	}
	return known
}

func read(path string) (object, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values := object{}
	return values, yaml.Unmarshal(content, &values)
}

// merge lays given values over defaults; maps are merged, and everything else is replaced.
func merge(defaults, given object) object {
	merged := object{}
	for name, value := range defaults {
		merged[name] = value
	}
	for name, value := range given {
		below, isMap := value.(object)
		existing, wasMap := merged[name].(object)
		if isMap && wasMap {
			merged[name] = merge(existing, below)
		} else {
			merged[name] = value
		}
	}
	return merged
}
