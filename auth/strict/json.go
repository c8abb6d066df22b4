package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// maxDepth is deeper than any object we define.
const maxDepth = 8

// ErrJSON is wrapped by every refusal of Decode.
var ErrJSON = errors.New("strict: json refused")

// Decode reads exactly one JSON object into the struct that v points to. It refuses what encoding/json lets
// pass: duplicate names, names in another case, unknown names, invalid UTF-8, trailing data, null, missing
// names (a field without omitempty must be present) and deep nesting.
func Decode(data []byte, v any) error {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("%w: target must be a pointer to a struct", ErrJSON)
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: not UTF-8", ErrJSON)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := walk(d, t.Elem(), 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: data after the object", ErrJSON)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %v", ErrJSON, err)
	}
	return nil
}

// walk reads one value from d and holds it against type t; t nil means any shape (inside map or interface).
func walk(d *json.Decoder, t reflect.Type, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: nested too deep", ErrJSON)
	}
	tok, err := d.Token()
	if err != nil {
		return fmt.Errorf("%w: %v", ErrJSON, err)
	}
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if depth == 0 && tok != json.Delim('{') {
		return fmt.Errorf("%w: not an object", ErrJSON)
	}
	switch tok {
	case json.Delim('{'):
		return walkObject(d, t, depth)
	case json.Delim('['):
		var elem reflect.Type
		if t != nil && t.Kind() == reflect.Slice {
			elem = t.Elem()
		}
		for d.More() {
			if err := walk(d, elem, depth+1); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return fmt.Errorf("%w: %v", ErrJSON, err)
		}
	case nil:
		return fmt.Errorf("%w: null", ErrJSON)
	}
	return nil
}

func walkObject(d *json.Decoder, t reflect.Type, depth int) error {
	var known map[string]field
	var elem reflect.Type
	if t != nil {
		switch t.Kind() {
		case reflect.Struct:
			known = fields(t)
		case reflect.Map:
			elem = t.Elem()
		}
	}
	seen := make(map[string]bool, 8)
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: %v", ErrJSON, err)
		}
		name, ok := tok.(string)
		if !ok || seen[name] {
			return fmt.Errorf("%w: duplicate name", ErrJSON)
		}
		seen[name] = true
		member := elem
		if known != nil {
			f, ok := known[name]
			if !ok {
				return fmt.Errorf("%w: unknown name", ErrJSON)
			}
			member = f.typ
		}
		if err := walk(d, member, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: %v", ErrJSON, err)
	}
	for name, f := range known {
		if f.required && !seen[name] {
			return fmt.Errorf("%w: %q is missing", ErrJSON, name)
		}
	}
	return nil
}

type field struct {
	typ      reflect.Type
	required bool
}

// fields lists the JSON names of struct t; embedded structs without a tag count as their own fields.
func fields(t reflect.Type) map[string]field {
	out := make(map[string]field, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			for n, inner := range fields(f.Type) {
				out[n] = inner
			}
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		out[name] = field{typ: f.Type, required: !strings.Contains(opts, "omitempty") && !strings.Contains(opts, "omitzero")}
	}
	return out
}
