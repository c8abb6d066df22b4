package meeting

import (
	"fmt"
	"testing"
)

func TestWhatWasReadOnceIsReadTheSameAndBelongsToItsReader(t *testing.T) {
	var k known
	const raw = `{"id":"p","name":"Ada","role":"host","n":3,"pub":6,"on":2}`
	want, err := readParticipant("test", raw)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, err := k.participant("test", raw)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v, %v, want %v", got, err, want)
		}
		got.Media[0].On = !got.Media[0].On // nobody else sees it
	}
	if _, err := k.participant("test", "{"); err == nil {
		t.Error("a broken text is read")
	}
	for i := range 3 * knownMost {
		if _, err := k.participant("test", fmt.Sprintf(`{"id":"p%d"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(k.read) > knownMost {
		t.Errorf("%d texts are remembered", len(k.read))
	}
}
