import { serviceProgram } from "./runtime-world.ts";

/** What services of every language do in these tests: listen on a socket and register it. */
const register = `{"namespace": N, "name": M, "version": V, "instance": I, "address": A}`;

/** A service in Go that says `answer`, with a package of its own module beside it. */
export function goService(answer: string, more = ""): Record<string, string> {
  const cache = Bun.spawnSync(["go", "env", "GOCACHE"]).stdout.toString().trim();
  return {
    "micro.json": JSON.stringify({ buildEnv: { GOCACHE: cache } }),
    "go.mod": "module example.com/greeter\n\ngo 1.18\n",
    "words/words.go": `package words\n\nconst Answer = ${JSON.stringify(answer)}\n`,
    "main.go": `package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"

	"example.com/greeter/words"
)

func main() {
	path := os.Getenv("TMPDIR") + "/" + os.Getenv("MICRO_CLIENT_ID")
	os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	said, _ := json.Marshal(map[string]string{
		"namespace": os.Getenv("MICRO_NAMESPACE"), "name": os.Getenv("MICRO_SERVICE_NAME"),
		"version": os.Getenv("MICRO_SERVICE_VERSION"), "instance": os.Getenv("MICRO_CLIENT_ID"), "address": "unix:" + path,
	})
	if _, err := http.Post("http://"+os.Getenv("MICRO_SERVICE_NETWORK")+"/", "application/json", bytes.NewReader(said)); err != nil {
		panic(err)
	}
	fmt.Println("go says", words.Answer)${more}
	http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}
`,
  };
}

/** A service in Python; `before` runs first. */
export function pythonService(before: string): string {
  return `import json, os, socket, urllib.request
${before}
path = os.environ["TMPDIR"] + "/" + os.environ["MICRO_CLIENT_ID"]
listener = socket.socket(socket.AF_UNIX)
if os.path.exists(path): os.remove(path)
listener.bind(path)
listener.listen()
N, M, V = (os.environ[name] for name in ("MICRO_NAMESPACE", "MICRO_SERVICE_NAME", "MICRO_SERVICE_VERSION"))
I, A = os.environ["MICRO_CLIENT_ID"], "unix:" + path
said = json.dumps(${register})
urllib.request.urlopen("http://" + os.environ["MICRO_SERVICE_NETWORK"] + "/", data=said.encode())
while True:
  peer = listener.accept()[0]
  peer.recv(4096)
  peer.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n")
  peer.close()
`;
}

/** A package that a service depends on, within its source; its install script leaves a trace. */
export const vendoredPackage: Record<string, string> = {
  "vendor/words/package.json": JSON.stringify({
    name: "words",
    version: "1.0.0",
    main: "index.js",
    scripts: { postinstall: "echo ran > ran.txt" },
  }),
  "vendor/words/index.js": 'module.exports = { answer: "from words" };\n',
};

/** A service in JavaScript that says what the package gives it. */
export const scriptWithPackage = `import words from "words";
console.log("js says", words.answer, typeof Bun === "undefined" ? "on node" : "on bun");
${serviceProgram("v1").replace(
  "Bun.serve({ unix: env.MICRO_SERVICE_ADDRESS.slice(5),",
  "(await import('node:http')).createServer((_, answer) => answer.end()).listen(env.MICRO_SERVICE_ADDRESS.slice(5)); void ({",
)}`;
