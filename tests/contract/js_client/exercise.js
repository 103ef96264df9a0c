// Calls every method of the official Connect client for JavaScript against a server and prints what came back, one JSON object per line.
//
// It decides nothing: tests/contract/test_official_clients.py knows the seed and compares. NODE_PATH says where the client is; arguments come from
// the environment.
"use strict";

const { OPConnect, OnePasswordConnect, ItemBuilder } = require("@1password/connect");

const { OP_CONNECT_HOST: serverURL, OP_CONNECT_TOKEN: token, TEST_VAULT: vault, TEST_ITEM: item, TEST_FILE: file } = process.env;
const { TEST_OTHER_TOKEN: otherToken, TEST_READ_TOKEN: readToken } = process.env;

const connect = (bearer) => OnePasswordConnect({ serverURL, token: bearer, keepAlive: true });

// Asks, prints what came back, and returns it.
async function record(call, ask) {
  let result = null;
  let error = null;
  try {
    result = (await ask()) ?? null;
  } catch (raised) {
    // What the client throws for a reply of the server is the reply's body, which is no Error.
    error = raised instanceof Error ? { type: raised.name, message: raised.message } : raised;
  }
  process.stdout.write(JSON.stringify({ call, result, error }) + "\n");
  return result;
}

async function text(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

function draft(title) {
  return new ItemBuilder()
    .setCategory("LOGIN")
    .setTitle(title)
    .addTag("b")
    .addTag("a")
    .addUrl({ href: "https://new.example", primary: true })
    .addField({ label: "username", purpose: "USERNAME", value: "fake-user" })
    .addField({
      label: "password",
      purpose: "PASSWORD",
      type: "CONCEALED",
      generate: true,
      recipe: { length: 20, characterSets: ["DIGITS"], excludeCharacters: "01" },
    })
    .addField({ label: "host", value: "new.example", sectionName: "more" })
    .toggleFavorite()
    .build();
}

async function read(client) {
  await record("listVaults", () => client.listVaults());
  await record("listVaultsByTitle", () => client.listVaultsByTitle("official clients"));
  await record("getVault", () => client.getVault("Official Clients"));
  await record("getVaultById", () => client.getVaultById(vault));
  await record("getVaultByTitle", () => client.getVaultByTitle("Other"));
  await record("listItems", () => client.listItems(vault));
  await record("listItemsByTitle", () => client.listItemsByTitle(vault, "twins"));
  await record("listItemsByTitleContains", () => client.listItemsByTitleContains(vault, "twin"));
  await record("getItem", () => client.getItem(vault, "web login"));
  await record("getItemById", () => client.getItemById(vault, item));
  await record("getItemByTitle", () => client.getItemByTitle(vault, "twin of none"));
  await record("getItemOTP", () => client.getItemOTP(vault, "web login"));
  await record("listFiles", () => client.listFiles("Official Clients", "web login"));
  await record("getFileById", () => client.getFileById(vault, item, file));
  await record("getFileContent", () => client.getFileContent(vault, item, file));
  await record("getFileContentStream", async () => text(await client.getFileContentStream(vault, item, file)));
}

async function write(client) {
  const created = await record("createItem", () => client.createItem(vault, draft("from javascript")));
  created.title = "from javascript, changed";
  created.tags = undefined;
  await record("updateItem", () => client.updateItem(vault, created));
  await record("deleteItem", () => client.deleteItem(vault, "from javascript, changed"));
  for (const method of ["deleteItemById", "deleteItemByTitle"]) {
    const { id } = await client.createItem(vault, draft("to be deleted"));
    await record(method, () => client[method](vault, method === "deleteItemById" ? id : "to be deleted"));
    await record(`${method}: gone`, () => client.getItemById(vault, id));
  }
}

// One call for each status that the client's errors are about.
async function fail(client) {
  const large = new ItemBuilder().setCategory("SECURE_NOTE").addField({ purpose: "NOTES", value: "x".repeat(100_000) }).build();
  await record("error 400", () => client.getVaultById("not-an-id"));
  await record("error 400 for a body", () => client.createItem(vault, { ...draft("refused"), category: "CUSTOM" }));
  await record("error 401", () => connect("not-a-token").listVaults());
  await record("error 403", () => connect(otherToken).getItemById(vault, item));
  await record("error 403 for a write", () => connect(readToken).createItem(vault, draft("refused")));
  await record("error 404", () => client.getItemById(vault, "a".repeat(26)));
  await record("error 413", () => client.createItem(vault, large));
  await record("error of the client: none", () => client.getItemByTitle(vault, "absent"));
  await record("error of the client: several", () => client.getItemByTitle(vault, "twins"));
}

async function main() {
  const methods = Object.getOwnPropertyNames(OPConnect.prototype).filter((name) => name !== "constructor");
  await record("methods", () => methods);
  const client = connect(token);
  await read(client);
  await write(client);
  await fail(client);
}

main().then(() => process.exit(0));
