package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/micro/micro/v5/service/auth"

	"micro-ts/interop-go-micro/note"
)

// Accounts are made, log in and are known by their tokens.
func (*Checks) Accounts(context.Context, *note.Note, *note.Note) error {
	id := fmt.Sprint("go-micro-", time.Now().UnixNano())
	made, err := auth.Generate(id, auth.WithSecret("a-secret-of-go"), auth.WithScopes("reader"), auth.WithType("user"))
	if err != nil {
		return err
	}
	token, err := auth.Token(auth.WithCredentials(id, "a-secret-of-go"), auth.WithExpiry(time.Minute))
	if err != nil {
		return err
	}
	found, err := auth.Inspect(token.AccessToken)
	if err != nil {
		return err
	}
	renewed, err := auth.Token(auth.WithToken(token.RefreshToken), auth.WithExpiry(time.Minute))
	if err != nil {
		return err
	}
	_, refused := auth.Token(auth.WithCredentials(id, "wrong"))
	_, forged := auth.Inspect(token.AccessToken + "x")
	return errors.Join(
		want("id", made.ID, id),
		want("id of the token", found.ID, id),
		want("scopes", found.Scopes, "[reader]"),
		want("issuer", found.Issuer, "micro"),
		want("renewed token is another", renewed.AccessToken != token.AccessToken, true),
		want("a wrong secret is refused", refused != nil, true),
		want("a forged token is refused", forged != nil, true),
	)
}

// Rules are read, made and taken back.
func (*Checks) Rules(ctx context.Context, _, _ *note.Note) error {
	rule := &auth.Rule{
		ID: "go-micro-rule", Scope: "nobody", Access: auth.AccessDenied, Priority: 7,
		Resource: &auth.Resource{Type: "service", Name: "go-micro-nothing", Endpoint: "*"},
	}
	// The framework answers from what it last knew, so it is asked until it knows.
	expect := func(count int) error {
		return until(ctx, func() error {
			rules, err := auth.Rules()
			found := 0
			for _, each := range rules {
				if each.ID == rule.ID && each.Priority == 7 && each.Access == auth.AccessDenied {
					found++
				}
			}
			return errors.Join(err, want("rules", found, count))
		})
	}
	if err := errors.Join(auth.Grant(rule), expect(1)); err != nil {
		return err
	}
	return errors.Join(auth.Revoke(rule), expect(0))
}
