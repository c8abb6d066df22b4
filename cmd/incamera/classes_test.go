package main

import (
	"testing"

	accountrole "incamera/auth/role"
	"incamera/auth/roomclass"
	"incamera/cmd/incamera/config"
)

// What the configuration says when it says nothing is what the rules are when nobody configures them.
func TestTheClassesOfAFreshConfigurationAreTheDefaults(t *testing.T) {
	got, want := classes(config.Default().Auth.Classes), roomclass.Defaults()
	if err := got.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, name := range roomclass.Names() {
		if loose := append(roomclass.Looser(got[name], want[name]), roomclass.Looser(want[name], got[name])...); len(loose) > 0 {
			t.Errorf("%s differs in %v", name, loose)
		}
		for _, who := range append(accountrole.All(), roomclass.Program) {
			if got[name].MayCreate(string(who)) != want[name].MayCreate(string(who)) {
				t.Errorf("%s makes %s rooms in one of them only", who, name)
			}
		}
	}
}
