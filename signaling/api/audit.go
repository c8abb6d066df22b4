package api

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"incamera/auth/audit"
)

// exportedAtOnce is the most entries of one answer, some megabytes; the header Incamera-Next says where to go on.
const exportedAtOnce = 1000

type auditEntry struct {
	Seq     int64             `json:"seq"`
	AtMS    int64             `json:"at_ms"`
	Actor   string            `json:"actor"`
	Verb    string            `json:"verb"`
	Object  string            `json:"object"`
	Result  string            `json:"result"`
	Address string            `json:"address"`
	Meta    map[string]string `json:"meta"`
	Hash    string            `json:"hash"`
}

type auditAnswer struct {
	Entries []auditEntry `json:"entries"`
	Before  int64        `json:"before,omitempty"` // where the next page begins; none: this was the last
}

// searchAudit gives matching entries of the record, newest first. The first page of a search is itself on record.
func (a *API) searchAudit(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administers(r)
	if err != nil {
		return nil, err
	}
	q, asked, err := auditQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	found, err := a.audit.Search(r.Context(), q)
	if errors.Is(err, audit.ErrQuery) {
		return nil, badField("query", "cannot be searched for")
	}
	if err != nil {
		return nil, err
	}
	if q.Before == 0 { // what is not on record is not shown
		if err := a.append(r, entry{actor: p.subject, verb: "audit.search", meta: asked}, "ok"); err != nil {
			return nil, err
		}
	}
	out := auditAnswer{Entries: make([]auditEntry, len(found))}
	for i, e := range found {
		out.Entries[i] = auditEntry{e.Seq, e.At.UnixMilli(), e.Actor, e.Verb, e.Object, e.Result, e.Address, e.Meta, e.Hash}
	}
	if n := len(found); n == q.Limit {
		out.Before = found[n-1].Seq
	}
	return out, nil
}

// auditQuery reads the search from a URL: each name at most once, no other.
func auditQuery(raw string) (audit.Query, map[string]string, error) {
	q := audit.Query{Limit: 50}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, nil, badField("query", "cannot be read")
	}
	texts := map[string]*string{"actor": &q.Actor, "verb": &q.Verb, "object": &q.Object, "result": &q.Result}
	times := map[string]*time.Time{"since_ms": &q.Since, "until_ms": &q.Until}
	asked := map[string]string{}
	for name, list := range values {
		if len(list) != 1 {
			return q, nil, badField(name, "is there twice")
		}
		n, nerr := strconv.ParseInt(list[0], 10, 64)
		switch {
		case texts[name] != nil:
			*texts[name], nerr = list[0], nil
		case times[name] != nil:
			*times[name] = time.UnixMilli(n)
		case name == "before":
			q.Before = n
		case name == "limit":
			q.Limit = int(n)
		default:
			return q, nil, badField(name, "is not known here")
		}
		if nerr != nil || n < 0 || name == "limit" && (n < 1 || n > audit.MaxFound) {
			return q, nil, badField(name, "is not such a number")
		}
		asked[name] = list[0]
	}
	return q, asked, nil
}

// exportAudit gives a part of the record as JSON lines that `incamera audit verify` checks without a database.
func (a *API) exportAudit(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administers(r)
	if err != nil {
		return nil, err
	}
	from := int64(1)
	if text := r.URL.Query().Get("from"); text != "" {
		if from, err = strconv.ParseInt(text, 10, 64); err != nil || from < 1 {
			return nil, badField("from", "is not the number of an entry")
		}
	}
	e := entry{actor: p.subject, verb: "audit.export", meta: map[string]string{"from": strconv.FormatInt(from, 10)}}
	if err := a.append(r, e, "ok"); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	next, err := audit.Export(r.Context(), a.store, &out, from, exportedAtOnce)
	if err != nil {
		return nil, err
	}
	f := file{kind: "application/x-ndjson", data: out.Bytes()}
	if next != 0 {
		f.header = http.Header{"Incamera-Next": {strconv.FormatInt(next, 10)}}
	}
	return f, nil
}
