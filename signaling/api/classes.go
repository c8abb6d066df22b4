package api

import (
	"fmt"
	"net/http"
	"time"

	"incamera/auth/roomclass"
	"incamera/signaling/problem"
)

var (
	errClassDemands = &problem.Problem{Status: http.StatusConflict, Code: "class_demands_more", Text: "the room's class asks for more than that"}
	errRoomInUse    = &problem.Problem{Status: http.StatusConflict, Code: "room_in_use", Text: "people are inside: until they have left the room may only ask for more"}
	errClassOthers  = &problem.Problem{Status: http.StatusForbidden, Code: "class_not_allowed", Text: "your account may not make rooms of this class"}
)

// classBody is a class that somebody may choose for a room, with what it demands.
type classBody struct {
	Class      string `json:"class"`
	ACR        string `json:"acr"`
	MaxAge     int64  `json:"max_age,omitempty"` // seconds
	Lobby      string `json:"lobby"`
	Guests     bool   `json:"guests"`
	E2EE       string `json:"e2ee"`
	Watermark  bool   `json:"watermark"`
	Recording  bool   `json:"recording"`
	StreamKeys bool   `json:"stream_keys"`
	Portals    string `json:"portals"`
}

// choices are the classes of rooms that a person may make here, the lowest first.
func (a *API) choices(p person) []classBody {
	list := []classBody{}
	for _, name := range roomclass.Names() {
		r, err := a.classFor(name, p.session.User.Role)
		if err != nil {
			continue
		}
		list = append(list, classBody{
			Class: name, ACR: string(r.Factor.Assurance), MaxAge: int64(r.Factor.MaxAge / time.Second), Lobby: string(r.Lobby), Guests: r.Guests,
			E2EE: string(r.Encryption), Watermark: r.Watermark, Recording: r.Recording, StreamKeys: r.StreamKeys, Portals: string(r.Portals),
		})
	}
	return list
}

// classFor gives the rules of a class that somebody chooses for a room.
func (a *API) classFor(class, who string) (roomclass.Rules, error) {
	rules, ok := a.issue.Classes()[class]
	switch {
	case !ok:
		return rules, badField("class", "must be open, internal, confidential or secret")
	case !rules.MayCreate(who):
		return rules, errClassOthers
	}
	return rules, a.issue.Possible(rules)
}

// ownLobby checks what a room says of its lobby beyond its class.
func ownLobby(own string, class roomclass.Rules) error {
	switch rank := roomclass.Lobby(own).Rank(); {
	case own == "":
		return nil
	case rank < 0:
		return badField("lobby", "must be never, guests or always")
	case rank < class.Lobby.Rank():
		return errClassDemands
	}
	return nil
}

// screensFor checks how many screens a room is to share at once; 0: as many as the deployment lets.
func (a *API) screensFor(n *int) (int, error) {
	switch {
	case n == nil:
		return 0, nil
	case *n < 1 || *n > a.screens:
		return 0, badField("screens", fmt.Sprintf("must be 1 to %d here", a.screens))
	}
	return *n, nil
}
