package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/pki"
	accountrole "incamera/auth/role"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/cluster/live"
	"incamera/cmd/incamera/config"
)

// pair is a deployment of two signaling instances and two media nodes, as their processes start them, on one Redis and one
// database, with real sockets.
type pair struct {
	t         *testing.T
	public    string // what people type; both instances answer for it
	bases     [2]string
	signaling [2]*signalingPart
	nodes     [2]*nodePart
	people    int
}

func newPair(t *testing.T) *pair {
	t.Helper()
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	server, err := live.Embedded(live.EmbeddedOptions{Log: log})
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	dir := t.TempDir()
	ca, err := pki.CreateCA(filepath.Join(dir, "ca"), "test")
	must(t, err)
	p := &pair{t: t}
	var listen [2]string
	for i := range listen {
		l, err := net.Listen("tcp", "127.0.0.1:0") // the configuration wants ports by number
		must(t, err)
		listen[i] = l.Addr().String()
		_ = l.Close()
		p.bases[i] = "http://" + listen[i]
	}
	p.public = p.bases[0]
	c, err := config.Load("", []string{
		"INCAMERA_DATA_DIR=" + dir, "INCAMERA_HTTP_LISTEN=" + listen[0], "INCAMERA_HTTP_PUBLIC_URL=" + p.public,
		"INCAMERA_MEDIA_LISTEN=127.0.0.1:10000", "INCAMERA_MEDIA_SHARDS=1", "INCAMERA_MEDIA_ADVERTISE=127.0.0.1",
	})
	must(t, err)
	c.Media.Listen, c.Media.TCP.Listen, c.Media.Turn.Enabled, c.Process.RPCListen = "127.0.0.1:0", config.TCPOff, false, "127.0.0.1:0"
	for i := range p.nodes {
		id, err := ca.Issue(fmt.Sprintf("node-%d", i), pki.RoleNode, time.Now(), time.Hour)
		must(t, err)
		p.nodes[i], err = startNode(ctx, c, id, server.Client(), nil, log, prometheus.NewRegistry())
		must(t, err)
		t.Cleanup(func() { p.nodes[i].close(ctx) })
	}
	for i := range p.signaling {
		id, err := ca.Issue(fmt.Sprintf("sig-%d", i), pki.RoleSignaling, time.Now(), time.Hour)
		must(t, err)
		c.HTTP.Listen = listen[i]
		cert, err := publicCertificate(c.HTTP, c.DataDir)
		must(t, err)
		p.signaling[i], err = startSignaling(ctx, c, id, server.Client(), &pages{cert: cert}, log, prometheus.NewRegistry())
		must(t, err)
		t.Cleanup(func() { p.signaling[i].close(ctx) })
	}
	return p
}

// account makes somebody who is signed in with a passkey.
func (p *pair) account(role accountrole.Role) (id, cookie string) {
	p.t.Helper()
	p.people++
	u := store.User{
		ID: token.NewID("u"), Login: fmt.Sprintf("person-%d", p.people), Name: fmt.Sprintf("Person %d", p.people),
		Role: string(role), State: store.UserActive, CreatedAt: time.Now(),
	}
	who := p.signaling[0].people
	must(p.t, who.store.Users.Create(context.Background(), u))
	cookie, _, err := who.sessions.BeginFull(context.Background(), u, []string{"hwk", "user"}, netip.MustParseAddr("127.0.0.1"), "")
	must(p.t, err)
	return u.ID, cookie
}

// call asks the API of an instance, with the cookie of somebody.
func (p *pair) call(instance int, cookie, method, path string, body any) (status int, answer map[string]any) {
	p.t.Helper()
	data, err := json.Marshal(body)
	must(p.t, err)
	r, err := http.NewRequest(method, p.bases[instance]+path, bytes.NewReader(data))
	must(p.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.AddCookie(&http.Cookie{Name: "incamera", Value: cookie})
	res, err := http.DefaultClient.Do(r)
	must(p.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(p.t, err)
	if len(text) > 0 {
		_ = json.Unmarshal(text, &answer)
	}
	return res.StatusCode, answer
}

// refusal is the code of an answer; "" when it is none.
func refusal(answer map[string]any) string {
	said, _ := answer["error"].(map[string]any)
	code, _ := said["code"].(string)
	return code
}

// carried is how many transports the nodes hold.
func (p *pair) carried() int {
	return p.nodes[0].media.Participants() + p.nodes[1].media.Participants()
}
