import { defineConfig, type Plugin } from "rolldown"
import { dirname, join } from "node:path"
import { licenses } from "../../scripts/third-party.ts"
import { eager } from "./bundle/eager.ts"
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
const leanHttp = (): Plugin => ({
  name: "callstream:lean-http",
  resolveId: (id) => (id === "node:http" ? http : undefined),
  load: (id) =>
    id === http
      ? `const http = process.getBuiltinModule("node:http")
export const { ${httpNames} } = http
export default http`
      : undefined
})

/**
 * undici is a megabyte, of which requests to one server need a third: `fetch`, web sockets, caches and mocks are the rest. It
 * would be read and evaluated at each start. What only a form as a body needs is left out, too: no request here has one.
 * HTTP/2 is loaded for the first server that speaks it: Node's module of it takes 20 ms, with TLS.
 */
const undici = "\0callstream:undici"
const http2Client = "const connectH2 = require('./client-h2.js')"
const noForm = "\0callstream:no-form"
const leanUndici = (): Plugin => ({
  name: "callstream:lean-undici",
  async resolveId(id, importer, options) {
    if (id === "undici" && importer !== undefined) {
      const found = await this.resolve(id, importer, { ...options, skipSelf: true })
      return found === null ? found : `${undici}${dirname(found.id)}`
    }
    return /\/undici\/lib\//.test(importer ?? "") && id.startsWith("../web/") ? noForm : undefined
  },
  load(id) {
    if (id === noForm) return `throw new Error("a form as a body")`
    if (!id.startsWith(undici)) return undefined
    const from = (part: string) => JSON.stringify(join(id.slice(undici.length), "lib", part))
    return `import Dispatcher from ${from("dispatcher/dispatcher.js")}
import api from ${from("api/index.js")}
import decompress from ${from("interceptor/decompress.js")}
Object.assign(Dispatcher.prototype, api)
export { default as Agent } from ${from("dispatcher/agent.js")}
export { default as EnvHttpProxyAgent } from ${from("dispatcher/env-http-proxy-agent.js")}
export { default as Pool } from ${from("dispatcher/pool.js")}
export const interceptors = { decompress }
export default {}`
  },
  transform(code, id) {
    if (!id.endsWith("/undici/lib/dispatcher/client.js")) return undefined
    if (!code.includes(http2Client)) throw new Error("undici loads its client of HTTP/2 in another way: see leanUndici")
    return code.replace(http2Client, "const connectH2 = (...socket) => require('./client-h2.js')(...socket)")
  }
})

/** What measures the columns of help would load its tables at each start: 14 ms. */
const segmenter = /new Intl\.Segmenter\(undefined, \{\s*granularity: "grapheme"\s*\}\)/
const leanWidth = (): Plugin => ({
  name: "callstream:lean-width",
  transform(code, id) {
    if (!id.endsWith("/effect/dist/cli/CliOutput.js")) return undefined
    if (!segmenter.test(code)) throw new Error("the command's help measures text in another way: see leanWidth")
    return code.replace(
      segmenter,
      (made) =>
        `{ segment: (text) => /^[ -~]*$/.test(text) ? Array.from(text, (segment) => ({ segment })) : ${made}.segment(text) }`
    )
  }
})

/** For every bundle that starts often. */
export const lean = {
  plugins: [leanHttp(), leanUndici(), leanWidth()],
  // What Node defines for its own undici: an experimental parser, 165 kB, is left out.
  transform: { define: { esbuildDetection: "true" } }
}

/**
 * What an export needs is one file: as fifty that other commands share in part, it would start 16 ms later. What every chunk needs would be
 * put beside the reader of YAML, and most commands would load both.
 */
export const codeSplitting = {
  groups: [
    { name: "yaml", test: /node_modules[\\/]yaml[\\/]/, priority: 1 },
    { name: "export", test: /[\\/]cli[\\/]src[\\/](Program|command[\\/]ExportCommand)\.ts$/ }
  ]
}

const output = { dir: "dist", format: "esm", minify: true, entryFileNames: "[name].mjs" } as const

export default defineConfig([
  {
    input: { main: "src/bin.ts" },
    platform: "node",
    ...lean,
    plugins: [...lean.plugins, shipped(), eager()],
    output: { ...output, chunkFileNames: "[name].mjs", codeSplitting }
  },
  // Where they are looked for: beside the module that starts them.
  ...Object.entries({
    DecodingWorker: "../node/src/internal/DecodingWorker.ts",
    ChainWorker: "src/run/ChainWorker.ts"
  }).map(([name, script]) => ({
    input: { [name]: script },
    platform: "node" as const,
    ...lean,
    output: { ...output, codeSplitting: false }
  }))
])
