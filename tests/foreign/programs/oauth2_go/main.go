// A program for a terminal, as golang.org/x/oauth2 makes one: it shows a code, waits, and says what it got.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"golang.org/x/oauth2"
)

func main() {
	config := oauth2.Config{
		ClientID: os.Getenv("CLIENT_ID"),
		Endpoint: oauth2.Endpoint{
			DeviceAuthURL: os.Getenv("DEVICE_ENDPOINT"),
			TokenURL:      os.Getenv("TOKEN_ENDPOINT"),
		},
		Scopes: strings.Fields(os.Getenv("SCOPE")),
	}
	waiting := context.Background()
	device, err := config.DeviceAuth(waiting, oauth2.SetAuthURLParam("audience", os.Getenv("AUDIENCE")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(device.VerificationURIComplete)
	token, err := config.DeviceAccessToken(waiting, device)
	if err != nil {
		log.Fatal(err)
	}
	fresh, err := config.TokenSource(waiting, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		log.Fatal(err)
	}
	said := map[string]any{"scope": token.Extra("scope"), "id_token": token.Extra("id_token"), "fresh": fresh.AccessToken}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		log.Fatal(err)
	}
}
