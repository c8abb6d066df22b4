package api

import (
	"context"
	"testing"
	"time"

	"incamera/auth/store"
)

func TestARoomSaysHowManyScreensItSharesAtOnce(t *testing.T) {
	w := newWorld(t, httpsURL) // lets two
	a, stranger := w.admin(), w.agent("192.0.2.8")
	p := w.portal("198.51.100.1")
	for _, c := range []struct {
		about  string
		asked  any // nil: not asked
		status int
		shown  float64
	}{
		{"what the deployment lets, when nothing is said", nil, 201, 2},
		{"one", 1, 201, 1},
		{"the most", 2, 201, 2},
		{"more than the deployment lets", 3, 400, 0},
		{"none", 0, 400, 0},
		{"less than none", -1, 400, 0},
		{"a half", 1.5, 400, 0},
		{"a word", "2", 400, 0},
		{"a number beyond all", 1e300, 400, 0},
	} {
		t.Run(c.about, func(t *testing.T) {
			in, code := fields{"title": "Budget"}, ""
			if c.asked != nil {
				in["screens"] = c.asked
			}
			if c.status == 400 {
				code = "bad_request"
			}
			for _, got := range []reply{
				a.want(c.status, code, "POST", "/api/v1/rooms", in),
				p.bearer().want(c.status, code, "POST", "/api/v1/client/rooms", in),
			} {
				if c.status != 201 {
					continue
				}
				facts := stranger.want(200, "", "GET", "/api/v1/rooms/"+got.text("id"), nil)
				if got.body["screens"] != c.shown || facts.body["screens"] != c.shown {
					t.Errorf("made %s, shown %s; want %v", got.raw, facts.raw, c.shown)
				}
			}
		})
	}
	if got := a.want(200, "", "GET", "/api/v1/rooms", nil); got.body["max_screens"] != 2.0 {
		t.Errorf("the most is not told: %s", got.raw)
	}
}

func TestARoomOfADeploymentThatLetFewerScreensSinceShowsThose(t *testing.T) {
	w := newWorld(t, httpsURL)
	m := store.Room{ID: "k7m2q9xw4d", Title: "Old", Owner: "u:1", Class: "internal", Screens: 9}
	must(t, w.store.Rooms.Create(context.Background(), m))
	if got := w.agent("192.0.2.8").want(200, "", "GET", "/api/v1/rooms/"+m.ID, nil); got.body["screens"] != 2.0 {
		t.Errorf("shown %s", got.raw)
	}
}

func TestARoomMayAskForAPasskey(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	for what, bad := range map[string]fields{
		"guest": {"acr": "guest"}, "spelling": {"acr": "MFA"}, "too young": {"max_age": 59}, "too old": {"max_age": 86401}, "negative": {"max_age": -1},
		"kind": {"max_age": "60"},
	} {
		bad["title"] = "X"
		if got := a.call("POST", "/api/v1/rooms", bad); got.status != 400 || got.code != "bad_request" {
			t.Errorf("%s: %s", what, got.raw)
		}
	}
	made := a.want(201, "", "POST", "/api/v1/rooms", fields{"title": "X", "acr": "phishing_resistant", "max_age": 600})
	if made.text("acr") != "phishing_resistant" || made.body["max_age"] != float64(600) {
		t.Error(made.raw)
	}
	path := "/api/v1/rooms/" + made.text("id") + "/token"
	got := a.want(403, "second_factor_required", "POST", path, fields{"jkt": thumb})
	if need := got.body["error"].(map[string]any); need["acr"] != "phishing_resistant" || need["max_age"] != float64(600) {
		t.Errorf("the page does not learn what to ask for: %s", got.raw)
	}
	a.want(200, "", "POST", "/api/v1/rooms/"+a.room("internal")+"/token", fields{"jkt": thumb}) // control: another room
	d, _ := a.passkey("Laptop")
	a.want(200, "", "POST", path, fields{"jkt": thumb})
	w.pass(601 * time.Second)
	a.want(200, "", "POST", "/api/v1/second-factor", fields{"code": a.code()})
	a.want(403, "second_factor_required", "POST", path, fields{"jkt": thumb}) // a fresh code makes no passkey younger
	a.want(200, "", "POST", confirmPath, d.answer(t, a.want(200, "", "POST", confirmOptions, fields{})))
	a.want(200, "", "POST", path, fields{"jkt": thumb})
}

func TestWhereParticipantsListenOnlyTheOwnersTokenPublishes(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.admin()
	owner, guest := a.user("zhao", "192.0.2.3"), a.user("sun", "192.0.2.4")
	room := owner.want(201, "", "POST", "/api/v1/rooms", fields{"title": "Lecture", "participants_publish": false})
	if room.body["participants_publish"] != false {
		t.Error(room.raw)
	}
	for who, kinds := range map[*agent]int{owner: 4, guest: 0} {
		got, err := w.tokens.Room(who.want(200, "", "POST", "/api/v1/rooms/"+room.text("id")+"/token", fields{"jkt": thumb}).text("token"))
		if err != nil || len(got.Publish) != kinds {
			t.Errorf("%v %v", got.Publish, err)
		}
	}
}
