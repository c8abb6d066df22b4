package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// EnvPrefix starts every override; the rest is the key's path in capitals: http.public_url is INCAMERA_HTTP_PUBLIC_URL.
const EnvPrefix = "INCAMERA_"

// Load reads the file at path (none when empty), applies the overrides in environ ("KEY=value" lines, as os.Environ
// gives them), reads the *_file secrets and validates the whole. Unknown keys and variables are errors.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("config: %w", err)
		}
		if err := decode(data, &c); err != nil {
			return c, fmt.Errorf("config: %s: %w", path, err)
		}
	}
	if err := override(&c, environ); err != nil {
		return c, err
	}
	for i := range c.Auth.OIDC {
		c.Auth.OIDC[i].fill(c.Auth.SecondFactorMaxAge)
	}
	if err := c.readSecrets(); err != nil {
		return c, err
	}
	return c, c.Validate()
}

func decode(data []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	switch err := d.Decode(c); {
	case errors.Is(err, io.EOF): // an empty file is the defaults
		return nil
	case err != nil:
		return friendly(err)
	}
	if err := d.Decode(new(Config)); !errors.Is(err, io.EOF) {
		return errors.New("more than one YAML document")
	}
	return nil
}

// friendly turns yaml's "field x not found in type config.HTTP" into a sentence about a key.
func friendly(err error) error {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return err
	}
	lines := make([]string, len(te.Errors))
	for i, e := range te.Errors {
		if at := strings.Index(e, " not found in type "); at >= 0 {
			e = strings.Replace(e[:at], "field ", "unknown key ", 1)
		}
		lines[i] = e
	}
	return errors.New(strings.Join(lines, "; "))
}

// override applies INCAMERA_… variables. Lists are separated by commas.
func override(c *Config, environ []string) error {
	fields := map[string]reflect.Value{}
	walk(reflect.ValueOf(c).Elem(), "", func(path string, _ reflect.StructField, v reflect.Value) {
		fields[EnvPrefix+strings.ToUpper(strings.ReplaceAll(path, ".", "_"))] = v
	})
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, EnvPrefix) || name == EnvPrefix+"CONFIG" {
			continue
		}
		v, ok := fields[name]
		if !ok {
			return fmt.Errorf("config: environment variable %s names no key", name)
		}
		if err := set(v, value); err != nil {
			return fmt.Errorf("config: environment variable %s: %w", name, err)
		}
	}
	return nil
}

func set(v reflect.Value, s string) error {
	switch v.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(s)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	case []string:
		var list []string
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		v.Set(reflect.ValueOf(list))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		v.SetInt(int64(n))
	default:
		return fmt.Errorf("cannot be set from the environment")
	}
	return nil
}

// walk visits every leaf key with its dotted path.
func walk(v reflect.Value, prefix string, visit func(path string, f reflect.StructField, v reflect.Value)) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		path := prefix + f.Tag.Get("yaml")
		if f.Type.Kind() == reflect.Struct {
			walk(v.Field(i), path+".", visit)
			continue
		}
		visit(path, f, v.Field(i))
	}
}

// Keys lists every key's dotted path, in order.
func Keys() []string {
	var keys []string
	c := Default()
	walk(reflect.ValueOf(&c).Elem(), "", func(path string, _ reflect.StructField, _ reflect.Value) {
		keys = append(keys, path)
	})
	return keys
}

func (c *Config) readSecrets() error {
	for _, s := range []struct {
		key, file string
		value     *string
	}{
		{"sql.dsn", c.SQL.DSNFile, &c.SQL.DSN},
	} {
		if s.file == "" {
			continue
		}
		if *s.value != "" {
			return fmt.Errorf("config: %s and %s_file are both set; keep one", s.key, s.key)
		}
		data, err := os.ReadFile(s.file)
		if err != nil {
			return fmt.Errorf("config: %s_file: %w", s.key, err)
		}
		*s.value = strings.TrimRight(string(data), "\r\n")
	}
	return nil
}

// Print writes the configuration as YAML with secrets replaced.
func (c Config) Print(w io.Writer) error {
	walk(reflect.ValueOf(&c).Elem(), "", func(_ string, f reflect.StructField, v reflect.Value) {
		if f.Tag.Get("secret") == "true" && v.String() != "" {
			v.SetString("(redacted)")
		}
	})
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return err
	}
	return e.Close()
}
