package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Source says where a value came from.
type Source string

// The sources of a value.
const (
	FromDefault Source = "default"
	FromEnv     Source = "env"
	FromFile    Source = "file"
	FromFlag    Source = "flag"
)

// origin is where the value of a variable came from.
type origin struct {
	// variable is the name that was set: the field's, or its twin's.
	variable string
	source   Source
	// path is the file that was read, for FromFile.
	path string
}

// given is the value that a variable shall have, as text. It may be secret and
// does not outlive Load.
type given struct {
	origin

	value string
}

// maxFile is the size of the biggest file that is read for a value.
const maxFile = 1 << 20

// environment turns environ into a map without the variables that are empty:
// envconfig would let those beat the default. Of two entries the later counts.
func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || value == "" {
			delete(env, name)
			continue
		}
		env[name] = value
	}
	return env
}

// resolve finds the value of every field that is not left at its default.
func resolve(fields []field, env, flags map[string]string, f *findings) map[string]given {
	values := make(map[string]given)
	for _, d := range fields {
		g, ok := pick(d, flags, FromFlag, f)
		if !ok {
			g, ok = pick(d, env, FromEnv, f)
		}
		if ok {
			values[d.Name] = g
		}
	}
	return values
}

// pick finds a field's value in one layer, under its name or its twin's.
func pick(d field, layer map[string]string, source Source, f *findings) (given, bool) {
	value, plain := layer[d.Name]
	path, file := layer[d.twin()]
	file = file && d.Secret
	switch {
	case plain && file:
		f.fault(d.Name, origin{}, problem{"is set and " + d.twin() + " is set too", "keep one of the two"})
		return given{}, true
	case file && path != "":
		o := origin{variable: d.twin(), source: FromFile, path: path}
		text, p := readValue(path)
		if p.what != "" {
			f.fault(d.Name, o, p)
		}
		return given{o, text}, true
	}
	return given{origin{variable: d.Name, source: source}, value}, plain || file
}

// readValue reads the file of a …_FILE variable.
func readValue(path string) (string, problem) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fileProblem(path, err)
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return "", fileProblem(path, err)
	case len(data) > maxFile:
		return "", problem{"names a file of more than 1 MiB: " + quote(path), "check that it is the right file"}
	case strings.TrimSpace(string(data)) == "":
		return "", problem{"names an empty file: " + quote(path), "write the value into it"}
	}
	return string(data), problem{}
}

// fileProblem words an error of opening or reading path.
func fileProblem(path string, err error) problem {
	name := quote(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return problem{"names a file that does not exist: " + name, "check the path; a relative one starts at the working directory"}
	case errors.Is(err, fs.ErrPermission):
		return problem{"names a file that may not be read: " + name, fmt.Sprintf("make it readable for user id %d", os.Getuid())}
	}
	return problem{"names a file that cannot be read: " + name, "check that it is a file and not a directory"}
}

// checkFile tries whether a file that others will read can be read.
func checkFile(path string) problem {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return problem{"names a directory: " + quote(path), "name the file in it"}
	}
	if err != nil {
		return fileProblem(path, err)
	}
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return fileProblem(path, err)
	}
	_ = file.Close() // only opened
	return problem{}
}
