import { defineConfig, type Plugin } from "rolldown"
import { licenses } from "../../scripts/third-party.ts"
import manifest from "./package.json" with { type: "json" }

/**
 * The published command installs nothing else: everything is in `main.mjs`, and `callstream.mjs` is what npm links.
 * The two are apart because the compile cache holds only what is loaded after it was enabled, and because telling the
 * version, which scripts do to see whether a command is there, needs none of it.
 */
const launcher = `#!/usr/bin/env node
import * as module from "node:module"
const needed = "${manifest.engines.node.replace(">=", "")} or newer"
const [flag, ...rest] = process.argv.slice(2)
if ((flag === "--version" || flag === "-v") && rest.length === 0) {
  console.log("callstream v${manifest.version}")
} else if (module.enableCompileCache === undefined || Number(process.versions.node.split(".")[0]) < 22) {
  console.error(\`error: callstream needs Node \${needed}, and this is \${process.versions.node}\\n  Install a newer Node, from https://nodejs.org for example.\`)
  process.exitCode = 2
} else {
  module.enableCompileCache()
  await import("./main.mjs")
}
`

const shipped = (): Plugin => ({
  name: "callstream:launcher-and-licenses",
  generateBundle(_options, bundle) {
    this.emitFile({ type: "asset", fileName: "THIRD_PARTY_LICENSES.txt", source: licenses(bundle) })
    this.emitFile({ type: "asset", fileName: "callstream.mjs", source: launcher })
  }
})

/**
 * `import … from "node:http"` reads every name that the module has, and with `WebSocket` or `fetch` Node loads a second undici,
 * the one of its own: a fifth of the time in which the command starts. So the names are read without those.
 */
const http = "\0callstream:http"
const httpNames =
  "Agent, ClientRequest, IncomingMessage, METHODS, OutgoingMessage, STATUS_CODES, Server, ServerResponse, createServer, get, " +
  "globalAgent, maxHeaderSize, request, setMaxIdleHTTPParsers, validateHeaderName, validateHeaderValue"
export const leanHttp = (): Plugin => ({
  name: "callstream:lean-http",
  resolveId: (id) => (id === "node:http" ? http : undefined),
  load: (id) =>
    id === http
      ? `const http = process.getBuiltinModule("node:http")
export const { ${httpNames} } = http
export default http`
      : undefined
})

const output = { dir: "dist", format: "esm", codeSplitting: false, minify: true } as const

export default defineConfig([
  {
    input: { main: "src/bin.ts" },
    platform: "node",
    plugins: [leanHttp(), shipped()],
    output: { ...output, entryFileNames: "[name].mjs" }
  },
  // Where they are looked for: beside the module that starts them.
  ...Object.entries({
    DecodingWorker: "../node/src/internal/DecodingWorker.ts",
    ChainWorker: "src/run/ChainWorker.ts"
  }).map(([name, script]) => ({
    input: { [name]: script },
    platform: "node" as const,
    plugins: [leanHttp()],
    output: { ...output, entryFileNames: "[name].mjs" }
  }))
])
