// Programs' own ways to read what a shape makes: Docker Compose's of a Dotenv file, Docker's of its configuration, Go's of an SSH key.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/cli/config/configfile"
	"golang.org/x/crypto/ssh"
)

func read(kind string, arguments []string) (any, error) {
	switch kind {
	case "dotenv": // FILE
		return dotenv.Read(arguments[0])
	case "docker-config": // FILE SERVER
		file, err := os.Open(arguments[0])
		if err != nil {
			return nil, err
		}
		defer file.Close()
		config := configfile.New("")
		if err := config.LoadFromReader(file); err != nil {
			return nil, err
		}
		return config.GetAuthConfig(arguments[1])
	case "ssh-key": // FILE
		text, err := os.ReadFile(arguments[0])
		if err != nil {
			return nil, err
		}
		signer, err := ssh.ParsePrivateKey(text)
		if err != nil {
			return nil, err
		}
		return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), nil
	}
	return nil, fmt.Errorf("unknown kind %q: dotenv, docker-config, ssh-key", kind)
}

func main() {
	found, err := read(os.Args[1], os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
