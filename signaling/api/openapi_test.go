package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"
	"go.yaml.in/yaml/v3"
)

// described is what the document says, for the tests.
type described struct {
	valid      validator.Validator
	operations map[string]*v3.Operation // by pattern
	codes      map[string][]string      // by pattern, with those of all operations
	paths      map[string]*regexp.Regexp
}

var describe = sync.OnceValues(func() (*described, error) {
	doc, err := libopenapi.NewDocument(openAPI)
	if err != nil {
		return nil, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, err
	}
	valid, errs := validator.NewValidator(doc)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	d := &described{
		valid: valid, operations: map[string]*v3.Operation{},
		codes: map[string][]string{}, paths: map[string]*regexp.Regexp{},
	}
	var plain map[string]any
	if err := yaml.Unmarshal(openAPI, &plain); err != nil {
		return nil, err
	}
	all := texts(plain["x-codes"])
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			pattern := strings.ToUpper(method) + " " + path
			d.operations[pattern] = op
			o := plain["paths"].(map[string]any)[path].(map[string]any)[method].(map[string]any)
			d.codes[pattern] = append(texts(o["x-codes"]), all...)
			d.paths[pattern] = regexp.MustCompile(`^` + regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + `$`)
		}
	}
	return d, nil
})

func texts(v any) (out []string) {
	list, _ := v.([]any)
	for _, x := range list {
		out = append(out, x.(string))
	}
	return out
}

func document(t testing.TB) *described {
	t.Helper()
	d, err := describe()
	must(t, err)
	return d
}

// pattern is the operation of a request, the one with the fewest parameters; "" when there is none.
func (d *described) pattern(method, path string) (found string) {
	path, _, _ = strings.Cut(path, "?")
	for p, re := range d.paths {
		if strings.HasPrefix(p, method+" ") && re.MatchString(path) && (found == "" || strings.Count(p, "{") < strings.Count(found, "{")) {
			found = p
		}
	}
	return found
}

// told are the differences found so far: each is told once, as many tests come by it.
var told sync.Map

func differs(t testing.TB, format string, args ...any) {
	t.Helper()
	if _, again := told.LoadOrStore(fmt.Sprintf(format, args...), true); !again {
		t.Errorf(format, args...)
	}
}

// asDocumented holds an answer of the running server against the document: status, code, and every member of the body.
func asDocumented(t testing.TB, method, path string, status int, header http.Header, data []byte, code string) {
	t.Helper()
	d := document(t)
	p := d.pattern(method, path)
	if p == "" {
		if code != "not_found" && code != "forbidden" && code != "rate_limited" && !slices.Contains([]int{http.StatusMethodNotAllowed, http.StatusMovedPermanently, http.StatusTemporaryRedirect}, status) {
			differs(t, "%s %s answers %d %s and is not in openapi.yaml", method, path, status, code)
		}
		return
	}
	if code != "" {
		if !slices.Contains(d.codes[p], code) {
			differs(t, "openapi.yaml: %s does not list the code %s", p, code)
		}
	}
	content := answerOf(d.operations[p], status)
	if content == nil {
		differs(t, "openapi.yaml: %s does not know the status %d", p, status)
		return
	}
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	media, ok := content.Get(kind)
	switch {
	case len(data) == 0 && content.Len() == 0:
		return
	case !ok:
		if status != http.StatusNoContent && status != http.StatusSeeOther && (len(data) > 0 || d.operations[p].Responses.Codes.GetOrZero("204") == nil) {
			differs(t, "openapi.yaml: %s answers %d with %q, which is not there", p, status, kind)
		}
		return
	case kind != "application/json":
		return
	}
	if why := fits(media.Schema, data); why != "" {
		differs(t, "openapi.yaml: %s: the answer %d is not as described: %s", p, status, why)
	}
}

func answerOf(op *v3.Operation, status int) *orderedmap.Map[string, *v3.MediaType] {
	r := op.Responses.Default
	if status < 400 {
		r = op.Responses.FindResponseByCode(status)
	}
	if r == nil {
		return nil
	}
	if r.Content == nil {
		return orderedmap.New[string, *v3.MediaType]()
	}
	return r.Content
}

func fits(s *base.SchemaProxy, data []byte) string {
	ok, errs := schema_validation.NewSchemaValidator().ValidateSchemaBytesWithVersion(s.Schema(), data, 3.1)
	if ok {
		return ""
	}
	var why []string
	for _, e := range errs {
		why = append(why, e.Reason)
		for _, s := range e.SchemaValidationErrors {
			why = append(why, s.Reason)
		}
	}
	return strings.Join(why, "; ")
}

func TestTheOpenAPIDocumentIsValid(t *testing.T) {
	d := document(t)
	if ok, errs := d.valid.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s", e.Message, e.Reason)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("  %s: %s", s.FieldPath, s.Reason)
			}
		}
	}
	spoilt, err := libopenapi.NewDocument(bytes.Replace(openAPI, []byte("paths:\n"), []byte("pathways:\n"), 1)) // the control
	must(t, err)
	if v, errs := validator.NewValidator(spoilt); len(errs) == 0 {
		if ok, _ := v.ValidateDocument(); ok {
			t.Error("the validator takes anything")
		}
	}
	ids := map[string]bool{}
	for p, op := range d.operations {
		if op.OperationId == "" || op.Summary == "" || len(op.Tags) != 1 || ids[op.OperationId] {
			t.Errorf("%s needs an operationId of its own, a summary and a tag", p)
		}
		ids[op.OperationId] = true
		if op.Responses.Default == nil {
			t.Errorf("%s does not say how it refuses", p)
		}
	}
}

// The control: an answer that is not as described is noticed.
func TestAnswersThatAreNotAsDocumentedAreNoticed(t *testing.T) {
	d := document(t)
	p := d.pattern("GET", "/api/v1/rooms/k7m2q9xw4d?x=1")
	if p != "GET /api/v1/rooms/{room}" || d.pattern("GET", "/api/v1/sign-in/providers") != "GET /api/v1/sign-in/providers" {
		t.Fatal(p)
	}
	media, _ := answerOf(d.operations[p], 200).Get("application/json")
	good := `{"id":"k7m2q9xw4d","title":"Budget","class":"internal","e2ee":false,"guests":true,"screens":2}`
	if why := fits(media.Schema, []byte(good)); why != "" {
		t.Error(why)
	}
	for name, bad := range map[string]string{
		"a member more": strings.Replace(good, "{", `{"owner":"u:1",`, 1), "a member less": strings.Replace(good, `"e2ee":false,`, "", 1),
		"another kind": strings.Replace(good, "2}", `"2"}`, 1), "another word": strings.Replace(good, `"internal"`, `"public"`, 1),
	} {
		if fits(media.Schema, []byte(bad)) == "" {
			t.Errorf("%s is not noticed", name)
		}
	}
	if answerOf(d.operations[p], 201) != nil || slices.Contains(d.codes[p], "login_taken") || !slices.Contains(d.codes[p], "rate_limited") {
		t.Error("statuses and codes")
	}
}

// Every route is documented, and everything documented is routed; every code is one of docs/protocol.md.
func TestTheOpenAPIDocumentKnowsEveryRoute(t *testing.T) {
	d, w := document(t), newWorld(t, httpsURL)
	routed := map[string]bool{}
	for _, r := range slices.Concat(w.api.pages(), w.api.programs()) {
		if !strings.Contains(r.pattern, " ") {
			continue
		}
		routed[r.pattern] = true
		if d.operations[r.pattern] == nil {
			t.Errorf("openapi.yaml does not know %s", r.pattern)
		}
	}
	protocol, err := os.ReadFile("../../docs/protocol.md")
	must(t, err)
	for p := range d.operations {
		if !routed[p] {
			t.Errorf("openapi.yaml knows %s, which is no route", p)
		}
		for _, code := range d.codes[p] {
			if !strings.Contains(string(protocol), "`"+code+"`") {
				t.Errorf("%s: docs/protocol.md does not know %s", p, code)
			}
		}
	}
}

func TestTheExamplesOfTheDocumentFitTheirSchemas(t *testing.T) {
	n := 0
	example := func(what string, content *orderedmap.Map[string, *v3.MediaType]) {
		for _, media := range content.FromOldest() {
			if media.Example == nil {
				continue
			}
			n++
			var v any
			must(t, media.Example.Decode(&v))
			data, err := json.Marshal(v)
			must(t, err)
			if why := fits(media.Schema, data); why != "" {
				t.Errorf("%s: %s", what, why)
			}
		}
	}
	for p, op := range document(t).operations {
		if op.RequestBody != nil {
			example(p+" asks", op.RequestBody.Content)
		}
		for status, r := range op.Responses.Codes.FromOldest() {
			if r.Content != nil {
				example(p+" answers "+status, r.Content)
			}
		}
	}
	if n < 10 {
		t.Errorf("%d examples", n)
	}
}

// The requests of the examples do what the document says on the running server.
func TestTheExamplesOfTheDocumentWork(t *testing.T) {
	d, w := document(t), newWorld(t, httpsURL)
	admin := w.admin()
	ask := func(pattern string) string {
		media, _ := d.operations[pattern].RequestBody.Content.Get("application/json")
		var v map[string]any
		must(t, media.Example.Decode(&v))
		if v["auth_time"] != nil {
			v["auth_time"] = w.clock().Unix()
		}
		data, err := json.Marshal(v)
		must(t, err)
		return string(data)
	}
	w.agent("192.0.2.7").want(200, "", "POST", "/api/v1/sign-in", ask("POST /api/v1/sign-in"))
	room := admin.want(201, "", "POST", "/api/v1/rooms", ask("POST /api/v1/rooms")).text("id")
	w.agent("192.0.2.7").want(200, "", "POST", "/api/v1/rooms/"+room+"/lobby", ask("POST /api/v1/rooms/{room}/lobby"))
	p := w.portal("198.51.100.1")
	own := p.bearer().want(201, "", "POST", "/api/v1/client/rooms", ask("POST /api/v1/client/rooms")).text("id")
	p.bearer().want(200, "", "POST", "/api/v1/client/rooms/"+own+"/tokens", ask("POST /api/v1/client/rooms/{room}/tokens"))
}

func TestTheOpenAPIDocumentIsServed(t *testing.T) {
	w := newWorld(t, httpsURL)
	for path, kind := range map[string]string{"/api/v1/openapi.yaml": "application/yaml", "/api/v1/openapi.json": "application/json"} {
		res, err := http.Get(w.server.URL + path)
		must(t, err)
		data, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, res.Body.Close())
		doc, err := libopenapi.NewDocument(data)
		if err != nil || doc.GetVersion() != "3.1.0" || res.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %d %s %v", path, res.StatusCode, res.Header.Get("Content-Type"), err)
		}
	}
}
