package api

import (
	"strings"
	"testing"
)

func TestANetworkTestGetsAnAnswerAndTheNodesRelays(t *testing.T) {
	w := newWorld(t, httpsURL)
	admin := w.admin()
	got := admin.want(200, "", "POST", "/api/v1/network-test", fields{"offer": "v=0"})
	if got.text("answer") != "v=0" || !strings.Contains(got.raw, `{"urls":["turns:meet.test:443"],"username":"u","credential":"c","expires_at_ms":5}`) {
		t.Error(got.raw)
	}
	admin.want(400, "bad_request", "POST", "/api/v1/network-test", fields{"offer": "refused"})
	admin.want(429, "rate_limited", "POST", "/api/v1/network-test", fields{"offer": "busy"})
	admin.want(400, "bad_request", "POST", "/api/v1/network-test", fields{})
}
