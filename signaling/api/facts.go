package api

import (
	"net/netip"
	"time"

	"incamera/auth/policy"
)

// factsBody is what a policy decides by, under the names of its language.
type factsBody struct {
	Subject     string   `json:"subject"`
	Role        string   `json:"role,omitempty"`
	Groups      []string `json:"groups,omitempty"`
	Assurance   string   `json:"assurance"`
	FactorAgeMS int64    `json:"factor_age_ms,omitempty"`
	Client      string   `json:"client,omitempty"`
	InCall      bool     `json:"in_call,omitempty"`

	Room   string `json:"room.id,omitempty"`
	Class  string `json:"room.class,omitempty"`
	Owner  bool   `json:"room.owner,omitempty"`
	Member bool   `json:"room.member,omitempty"`

	AtMS      int64  `json:"at_ms,omitempty"`
	Signaling string `json:"net.signaling,omitempty"`
	Media     string `json:"net.media,omitempty"`
	Country   string `json:"country,omitempty"`

	Known    bool  `json:"device.known,omitempty"`
	Managed  bool  `json:"device.managed,omitempty"`
	New      bool  `json:"risk.new_device,omitempty"`
	Unusual  bool  `json:"risk.unusual_network,omitempty"`
	Travel   bool  `json:"risk.impossible_travel,omitempty"`
	Parallel int64 `json:"risk.parallel_sessions,omitempty"`
	Failures int64 `json:"risk.failures,omitempty"`
}

func factsOf(r policy.Request) factsBody {
	address := func(a netip.Addr) string {
		if !a.IsValid() {
			return ""
		}
		return a.String()
	}
	return factsBody{
		Subject: r.Subject, Role: r.Role, Groups: r.Groups, Assurance: r.Assurance, FactorAgeMS: r.FactorAge.Milliseconds(), Client: r.Client, InCall: r.InCall,
		Room: r.Room, Class: r.RoomClass, Owner: r.Owner, Member: r.Member,
		AtMS: r.At.UnixMilli(), Signaling: address(r.Address), Media: address(r.Media), Country: r.Country,
		Known: r.Device.Known, Managed: r.Device.Managed, New: r.Risk.NewDevice, Unusual: r.Risk.UnusualNetwork, Travel: r.Risk.ImpossibleTravel,
		Parallel: r.Risk.ParallelSessions, Failures: r.Risk.Failures,
	}
}

// request is what they say, now where they do not say when.
func (f *factsBody) request(now time.Time) (policy.Request, error) {
	r := policy.Request{
		Subject: f.Subject, Role: f.Role, Groups: f.Groups, Assurance: f.Assurance, FactorAge: time.Duration(f.FactorAgeMS) * time.Millisecond,
		Client: f.Client, InCall: f.InCall, Room: f.Room, RoomClass: f.Class, Owner: f.Owner, Member: f.Member, At: now, Country: f.Country,
		Device: policy.Device{Known: f.Known, Managed: f.Managed},
		Risk:   policy.Risk{NewDevice: f.New, UnusualNetwork: f.Unusual, ImpossibleTravel: f.Travel, ParallelSessions: f.Parallel, Failures: f.Failures},
	}
	if f.AtMS != 0 {
		r.At = time.UnixMilli(f.AtMS)
	}
	for _, a := range []struct {
		name, said string
		into       *netip.Addr
	}{{"net.signaling", f.Signaling, &r.Address}, {"net.media", f.Media, &r.Media}} {
		if a.said == "" {
			continue
		}
		var err error
		if *a.into, err = netip.ParseAddr(a.said); err != nil {
			return r, badField(a.name, "is not an address")
		}
	}
	return r, nil
}
