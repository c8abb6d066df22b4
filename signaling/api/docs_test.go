package api

import (
	"os"
	"slices"
	"strings"
	"testing"

	"incamera/auth/account"
	"incamera/auth/mfa"
	"incamera/signaling/problem"
)

// docs/protocol.md lists every route and every code.
func TestTheDocumentKnowsEveryRouteAndCode(t *testing.T) {
	data, err := os.ReadFile("../../docs/protocol.md")
	must(t, err)
	_, text, ok := strings.Cut(string(data), "\n## 11. HTTP API\n")
	if !ok {
		t.Fatal("no section on the HTTP API")
	}
	w := newWorld(t, httpsURL)
	for _, r := range slices.Concat(w.api.pages(), w.api.programs()) {
		if strings.Contains(r.pattern, " ") && !strings.Contains(text, "`"+r.pattern+"`") {
			t.Errorf("the document does not know %s", r.pattern)
		}
	}
	known := []*problem.Problem{
		errBadRequest, errTooLarge, errUnauthenticated, errSecondFactor, errForbidden, errNotFound, errUnavailable, errInternal,
		errAborted, errSetupToken, errNoPasskeys, errOldPassword, errChanged, errClassDemands, errRoomInUse, errClassOthers, problem.TooMany(0),
		translateAuth(&account.Throttled{}), translateAuth(&mfa.Throttled{}), translateAuth(&account.WeakPassword{}),
	}
	for _, r := range refusals {
		known = append(known, r.is)
	}
	for _, p := range issued {
		known = append(known, p)
	}
	for _, p := range known {
		if !strings.Contains(text, "`"+p.Code+"`") {
			t.Errorf("the document does not know %s", p.Code)
		}
	}
}
