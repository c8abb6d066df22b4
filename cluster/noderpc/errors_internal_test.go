package noderpc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestEachCodeSurvivesTheBorder(t *testing.T) {
	for code := range grpcCodes {
		err := fromStatus(toStatus(fmt.Errorf("wrapped: %w", &Error{Code: code, Message: "why: so"})))
		if CodeOf(err) != code {
			t.Errorf("%s became %v", code, err)
		}
	}
	if err := fromStatus(toStatus(context.DeadlineExceeded)); CodeOf(err) != CodeDeadline {
		t.Error(err)
	}
	if err := fromStatus(toStatus(errors.New("disk"))); CodeOf(err) != CodeInternal {
		t.Error(err)
	}
	if toStatus(nil) != nil || fromStatus(nil) != nil {
		t.Error("nil became an error")
	}
}

func FuzzStatus(f *testing.F) {
	f.Add(uint32(codes.InvalidArgument), "bad_offer: no audio")
	f.Add(uint32(codes.OK), "")
	f.Add(uint32(99), ": \xff")
	f.Fuzz(func(t *testing.T, c uint32, text string) {
		err := fromStatus(status.Error(codes.Code(c), text))
		if err == nil {
			if codes.Code(c) != codes.OK {
				t.Fatal("an error vanished")
			}
			return
		}
		if _, known := grpcCodes[CodeOf(err)]; !known {
			t.Fatalf("code %q", CodeOf(err))
		}
		if len(err.Error()) > maxErrorText+100 {
			t.Fatal("unbounded text")
		}
	})
}
