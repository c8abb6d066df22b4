package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"

	"go.yaml.in/yaml/v3"
)

// openAPI is the document of this API (OpenAPI 3.1), written by hand and held against every answer of the tests.
//
//go:embed openapi.yaml
var openAPI []byte

// openAPIJSON is the same as JSON, made when somebody first asks.
var openAPIJSON = sync.OnceValues(func() (json.RawMessage, error) {
	var doc any
	if err := yaml.Unmarshal(openAPI, &doc); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
})

func (a *API) openAPIDocument(http.ResponseWriter, *http.Request) (any, error) {
	return file{kind: "application/yaml", data: openAPI}, nil
}

func (a *API) openAPIAsJSON(http.ResponseWriter, *http.Request) (any, error) {
	return openAPIJSON()
}
