package main

import (
	"bytes"
	"compress/gzip"
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
		ChunkNames: "assets/[name]-[hash]",
		Splitting:  true,
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
	for _, file := range append(append([]api.OutputFile{}, app.OutputFiles...), sdk.OutputFiles...) {
		if err := j.write(file.Path, file.Contents); err != nil {
			return err
		}
	}
	first, err := j.firstLoad(app.Metafile)
	if err != nil {
		return err
	}
	return j.page(app.OutputFiles, first)
}

func (j job) bundle(options api.BuildOptions) (api.BuildResult, error) {
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
	options.Metafile = true
	if j.dev {
		options.Sourcemap = api.SourceMapLinked
	} else {
		options.MinifyWhitespace, options.MinifyIdentifiers, options.MinifySyntax = true, true, true
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		text := api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return result, errors.New("bundling failed\n" + strings.Join(text, ""))
	}
	for _, warning := range api.FormatMessages(result.Warnings, api.FormatMessagesOptions{Kind: api.WarningMessage}) {
		fmt.Fprint(os.Stderr, warning)
	}
	return result, nil
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
