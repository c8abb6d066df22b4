package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Browsers that the product promises (README): everything older gets the capability page, which is plain script.
var engines = []api.Engine{
	{Name: api.EngineChrome, Version: "110"},
	{Name: api.EngineFirefox, Version: "128"},
	{Name: api.EngineSafari, Version: "17"},
}

type job struct {
	web string
	out string
	dev bool
}

func (j job) build() error {
	if err := j.clean(); err != nil {
		return err
	}
	app, err := j.bundle(api.BuildOptions{
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: filepath.Join(j.web, "app/src/main.tsx"), OutputPath: "app"},
			{InputPath: filepath.Join(j.web, "app/styles/main.css"), OutputPath: "app"},
			{InputPath: filepath.Join(j.web, "app/src/boot.ts"), OutputPath: "boot"},
		},
		EntryNames: "assets/[name]-[hash]",
		AssetNames: "assets/[name]-[hash]",
		Loader:     map[string]api.Loader{".svg": api.LoaderFile},
		Tsconfig:   filepath.Join(j.web, "app/tsconfig.json"),
	})
	if err != nil {
		return err
	}
	sdk, err := j.bundle(api.BuildOptions{
		EntryPointsAdvanced: []api.EntryPoint{{InputPath: filepath.Join(j.web, "sdk/src/index.ts"), OutputPath: "sdk/incamera"}},
		EntryNames:          "[dir]/[name]",
	})
	if err != nil {
		return err
	}
	files := append(app, sdk...)
	for _, file := range files {
		if err := j.write(file.Path, file.Contents); err != nil {
			return err
		}
	}
	return j.page(app)
}

func (j job) bundle(options api.BuildOptions) ([]api.OutputFile, error) {
	options.Bundle = true
	options.Format = api.FormatESModule
	options.Engines = engines
	options.Outdir = j.out
	options.AbsWorkingDir = j.web
	options.Charset = api.CharsetUTF8
	options.LegalComments = api.LegalCommentsNone
	options.JSX = api.JSXAutomatic
	options.JSXImportSource = "preact"
	options.LogLevel = api.LogLevelSilent
	if j.dev {
		options.Sourcemap = api.SourceMapLinked
	} else {
		options.MinifyWhitespace, options.MinifyIdentifiers, options.MinifySyntax = true, true, true
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		text := api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, errors.New("bundling failed\n" + strings.Join(text, ""))
	}
	for _, warning := range api.FormatMessages(result.Warnings, api.FormatMessagesOptions{Kind: api.WarningMessage}) {
		fmt.Fprint(os.Stderr, warning)
	}
	return result.OutputFiles, nil
}

// page fills the three places of index.html with the hashed names and their integrity.
func (j job) page(files []api.OutputFile) error {
	html, err := os.ReadFile(filepath.Join(j.web, "app/index.html"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := filepath.Base(file.Path)
		ext := filepath.Ext(name)
		stem, _, _ := strings.Cut(name, "-")
		sum := sha512.Sum384(file.Contents)
		rel, err := filepath.Rel(j.out, file.Path)
		if err != nil {
			return err
		}
		place := "{{" + stem + ext + "}}"
		filled := fmt.Sprintf("/%s\" integrity=\"sha384-%s", filepath.ToSlash(rel), base64.StdEncoding.EncodeToString(sum[:]))
		html = bytes.ReplaceAll(html, []byte(place), []byte(filled))
	}
	if at := bytes.Index(html, []byte("{{")); at >= 0 {
		return fmt.Errorf("index.html names a file that was not built: %.30s", html[at:])
	}
	return j.write(filepath.Join(j.out, "index.html"), html)
}

// write stores a file, and beside it a gzipped copy when that is clearly smaller.
func (j job) write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	packed, err := pack(data)
	if err != nil || strings.HasSuffix(path, ".map") || len(packed)*10 > len(data)*9 {
		return err
	}
	return os.WriteFile(path+".gz", packed, 0o644)
}

func pack(data []byte) ([]byte, error) {
	var buf bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zip.Write(data); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// clean empties the output folder but for .keep, which lets the embed directive compile on a clean checkout.
func (j job) clean() error {
	entries, err := os.ReadDir(j.out)
	if errors.Is(err, os.ErrNotExist) {
		return os.MkdirAll(j.out, 0o755)
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == ".keep" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(j.out, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
