package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/template"
	"time"

	"github.com/kelseyhightower/envconfig"
)

// Variable describes one environment variable.
type Variable struct {
	// Name is the full name, for example PUSHWORKER_ACK_WAIT.
	Name string `json:"name"`
	// Type is one of text, number, bool, duration, size, url, json and secret.
	Type string `json:"type"`
	// Default is the default as one would write it; empty for none.
	Default string `json:"default"`
	// Description is one or more sentences.
	Description string `json:"description"`
	// Secret says that the value may hold a secret: it is masked, and it may also
	// be given in the file that Name with the suffix _FILE names.
	Secret bool `json:"secret"`
	// Worker says that only a worker uses it: a fault there stops no other command.
	Worker bool `json:"worker,omitempty"`
}

// twin is the variable that names the file with the value; empty if v is not
// secret, or is not one of ours.
func (v Variable) twin() string {
	if !v.Secret || !strings.HasPrefix(v.Name, Prefix+"_") {
		return ""
	}
	return v.Name + "_FILE"
}

// Setting is the value of one variable, as `config print` shows it.
type Setting struct {
	Name string `json:"name"`
	// Value is the value with what is secret in it masked.
	Value string `json:"value"`
	// Source says where it came from.
	Source Source `json:"source"`
	// Path is the file it was read from, for [FromFile].
	Path string `json:"path,omitempty"`
}

// Variables lists every variable in the order of [Config].
func Variables() []Variable {
	fields, err := fieldsOf(&Config{})
	if err != nil {
		panic(err) // a tag of Config is wrong; no input can cause it
	}
	variables := make([]Variable, len(fields))
	for i, d := range fields {
		variables[i] = d.Variable
	}
	return variables
}

// Effective lists every setting with where it came from. Of the standard variables it lists
// those that are set.
func (c *Config) Effective() []Setting {
	fields, err := fieldsOf(c)
	if err != nil {
		panic(err) // a tag of Config is wrong; no input can cause it
	}
	settings := make([]Setting, len(fields))
	for i, d := range fields {
		settings[i] = Setting{Name: d.Name, Value: written(d.value.Interface()), Source: FromDefault}
		if o, ok := c.sources[d.Name]; ok {
			settings[i].Source, settings[i].Path = o.source, o.path
		}
	}
	return append(settings, c.standardSettings()...)
}

// standardSettings are those of the standard variables that are set.
func (c *Config) standardSettings() (all []Setting) {
	for _, v := range StandardVariables() {
		value, given := c.standard[v.Name]
		if !given {
			continue
		}
		if v.Secret {
			value = written(Secret{value})
		}
		all = append(all, Setting{Name: v.Name, Value: value, Source: FromEnv})
	}
	return all
}

// IsDefault reports whether nobody has set the variable.
func (c *Config) IsDefault(name string) bool {
	_, given := c.sources[name]
	return !given
}

// field is a variable and the place of its value in a Config.
type field struct {
	Variable

	value reflect.Value
	// own says that processes that do the same may differ in it.
	own bool
}

// fieldsOf lists the fields of c. The names are those that envconfig itself
// derives: its usage templates are the one way to ask it for them.
func fieldsOf(c *Config) ([]field, error) {
	var fields []field
	collect := func(name string, tags reflect.StructTag, value reflect.Value) string {
		fields = append(fields, field{Variable{
			Name:        name,
			Type:        typeName(value),
			Default:     tags.Get("default"),
			Description: tags.Get("desc"),
			Secret:      tags.Get("secret") == "true",
			Worker:      tags.Get("for") == "worker",
		}, value, tags.Get("own") == "true"})
		return ""
	}
	tmpl, err := template.New("fields").Funcs(template.FuncMap{"collect": collect}).
		Parse(`{{range .}}{{collect .Key .Tags .Field}}{{end}}`)
	if err == nil {
		err = envconfig.Usaget(Prefix, c, io.Discard, tmpl)
	}
	if err != nil {
		return nil, fmt.Errorf("list variables: %w", err)
	}
	return fields, nil
}

func typeName(v reflect.Value) string {
	switch v.Interface().(type) {
	case time.Duration:
		return "duration"
	case ByteSize:
		return "size"
	case BrokerURL:
		return "url"
	case Streams:
		return "number"
	case Place:
		return "kv, nats or url"
	case HandlerList:
		return "json"
	case Secret:
		return "secret"
	case bool:
		return "bool"
	case int:
		return "number"
	}
	return "text"
}

// WriteDocs writes the reference tables of all variables as Markdown.
func WriteDocs(w io.Writer) error {
	var b strings.Builder
	writeTable(&b, Variables())
	b.WriteString("\nStandard variables of OpenTelemetry, for traces. Other programs have them, too, so they have no prefix of ours, and none is read from a file.\n\n")
	writeTable(&b, StandardVariables())
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write reference table: %w", err)
	}
	return nil
}

func writeTable(b *strings.Builder, all []Variable) {
	b.WriteString("| variable | type | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, v := range all {
		value, meaning := "", v.Description
		if v.Default != "" {
			value = "`" + v.Default + "`"
		}
		if v.twin() != "" {
			meaning += " Also as `" + v.twin() + "`."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", v.Name, v.Type, value, strings.ReplaceAll(meaning, "|", `\|`))
	}
}
