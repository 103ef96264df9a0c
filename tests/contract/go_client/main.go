// Calls every method of the official Connect client for Go against a server and prints what came back, one JSON object per line.
//
// It decides nothing: tests/contract/test_official_clients.py knows the seed and compares. Arguments are read from the environment, see `main`.
package main

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"

	"github.com/1Password/connect-sdk-go/connect"
	"github.com/1Password/connect-sdk-go/onepassword"
)

// problem is an error as a program that uses the client can tell it apart.
type problem struct {
	Typed   bool   `json:"typed"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

type answer struct {
	Call   string   `json:"call"`
	Result any      `json:"result"`
	Error  *problem `json:"error"`
}

func record(call string, result any, err error) {
	told := answer{Call: call, Result: result}
	if err != nil {
		told.Result, told.Error = nil, &problem{Message: err.Error()}
		var typed *onepassword.Error
		if errors.As(err, &typed) {
			told.Error = &problem{Typed: true, Status: typed.StatusCode, Message: typed.Message}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		panic(err)
	}
}

func main() {
	vault, item, file := os.Getenv("TEST_VAULT"), os.Getenv("TEST_ITEM"), os.Getenv("TEST_FILE")
	client, err := connect.NewClientFromEnvironment()
	if err != nil {
		panic(err)
	}
	methods := reflect.TypeOf((*connect.Client)(nil)).Elem()
	names := []string{}
	for i := range methods.NumMethod() {
		names = append(names, methods.Method(i).Name)
	}
	record("methods", names, nil)
	readVaults(client, vault)
	readItems(client, vault, item)
	readFiles(client, vault, item, file)
	write(client, vault)
	load(client, vault, item)
	fail(client, vault, item)
}

func readVaults(client connect.Client, vault string) {
	vaults, err := client.GetVaults()
	record("GetVaults", vaults, err)
	one, err := client.GetVault("Official Clients")
	record("GetVault", one, err)
	one, err = client.GetVaultByUUID(vault)
	record("GetVaultByUUID", one, err)
	one, err = client.GetVaultByTitle("official clients")
	record("GetVaultByTitle", one, err)
	vaults, err = client.GetVaultsByTitle("absent")
	record("GetVaultsByTitle", vaults, err)
}

func readItems(client connect.Client, vault string, item string) {
	items, err := client.GetItems("Official Clients")
	record("GetItems", items, err)
	one, err := client.GetItem("a & b + c", vault)
	record("GetItem", one, err)
	one, err = client.GetItem("twentysixlettersinthistitl", "Official Clients")
	record("GetItem: a title like an ID", one, err)
	one, err = client.GetItemByUUID(item, vault)
	record("GetItemByUUID", one, err)
	one, err = client.GetItemByTitle("web login", vault)
	record("GetItemByTitle", one, err)
	items, err = client.GetItemsByTitle("twins", vault)
	record("GetItemsByTitle", items, err)
}

func readFiles(client connect.Client, vault string, item string, file string) {
	files, err := client.GetFiles(item, vault)
	record("GetFiles", files, err)
	one, err := client.GetFile(file, "web login", vault)
	record("GetFile", one, err)
	if err != nil {
		return
	}
	content, err := client.GetFileContent(one)
	record("GetFileContent", string(content), err)
	folder := os.Getenv("TEST_FOLDER")
	path, err := client.DownloadFile(one, folder, true)
	record("DownloadFile", strings.TrimPrefix(path, folder), err)
}

func write(client connect.Client, vault string) {
	recipe := &onepassword.GeneratorRecipe{Length: 20, CharacterSets: []string{"DIGITS"}, ExcludeCharacters: "01"}
	draft := func(title string) *onepassword.Item {
		return &onepassword.Item{
			Title:    title,
			Category: onepassword.Login,
			Vault:    onepassword.ItemVault{ID: vault},
			Tags:     []string{"b", "a"},
			URLs:     []onepassword.ItemURL{{Primary: true, Label: "website", URL: "https://new.example"}},
			Sections: []*onepassword.ItemSection{{ID: "more", Label: "more"}},
			Fields: []*onepassword.ItemField{
				{Purpose: onepassword.FieldPurposeUsername, Value: "fake-user"},
				{Purpose: onepassword.FieldPurposePassword, Type: onepassword.FieldTypeConcealed, Generate: true, Recipe: recipe},
				{Label: "host", Type: onepassword.FieldTypeString, Section: &onepassword.ItemSection{ID: "more"}, Value: "new.example"},
				{Label: "key", Type: onepassword.FieldTypeSSHKey, Value: "fake-key"},
			},
		}
	}
	created, err := client.CreateItem(draft("from go"), "Official Clients")
	record("CreateItem", created, err)
	if err != nil {
		return
	}
	created.Title, created.Tags = "from go, changed", nil
	updated, err := client.UpdateItem(created, vault)
	record("UpdateItem", updated, err)
	record("DeleteItem", nil, client.DeleteItem(updated, vault))
	for _, title := range []string{"by id", "by title"} {
		if created, err = client.CreateItem(draft(title), vault); err != nil {
			panic(err)
		}
		if title == "by id" {
			record("DeleteItemByID", nil, client.DeleteItemByID(created.ID, vault))
		}
	}
	record("DeleteItemByTitle", nil, client.DeleteItemByTitle("by title", vault))
}

// config is filled by the client from the tags.
type config struct {
	User     string                  `opitem:"web login" opfield:"username"`
	Port     int                     `opitem:"web login" opsection:"network" opfield:"port"`
	Section  onepassword.ItemSection `opitem:"web login" opsection:"network"`
	Site     onepassword.ItemURL     `opitem:"web login" opurl:"website"`
	Database onepassword.Item        `opitem:"twin of none"`
}

type itemConfig struct {
	User string `opfield:"username"`
	Port int    `opsection:"network" opfield:"port"`
}

func load(client connect.Client, vault string, item string) {
	var all config
	err := client.LoadStruct(&all)
	record("LoadStruct", all, err)
	var one itemConfig
	err = client.LoadStructFromItem(&one, "web login", "Official Clients")
	record("LoadStructFromItem", one, err)
	one = itemConfig{}
	err = client.LoadStructFromItemByTitle(&one, "web login", vault)
	record("LoadStructFromItemByTitle", one, err)
	one = itemConfig{}
	err = client.LoadStructFromItemByUUID(&one, item, vault)
	record("LoadStructFromItemByUUID", one, err)
}

func fail(client connect.Client, vault string, item string) {
	host := os.Getenv("OP_CONNECT_HOST")
	_, err := client.GetVaultsByTitle(`a"b`)
	record("error 400", nil, err)
	_, err = connect.NewClient(host, "not a token").GetVaults()
	record("error 401", nil, err)
	_, err = connect.NewClient(host, os.Getenv("TEST_OTHER_TOKEN")).GetItemByUUID(item, vault)
	record("error 403", nil, err)
	_, err = connect.NewClientWithUserAgent(host, os.Getenv("TEST_READ_TOKEN"), "reader/1").CreateItem(
		&onepassword.Item{Category: onepassword.Login, Vault: onepassword.ItemVault{ID: vault}}, vault)
	record("error 403 for a write", nil, err)
	_, err = client.GetItemByUUID(strings.Repeat("a", 26), vault)
	record("error 404", nil, err)
	large := &onepassword.Item{
		Category: onepassword.SecureNote,
		Vault:    onepassword.ItemVault{ID: vault},
		Fields:   []*onepassword.ItemField{{Purpose: onepassword.FieldPurposeNotes, Value: strings.Repeat("x", 100_000)}},
	}
	_, err = client.CreateItem(large, vault)
	record("error 413", nil, err)
}
