/**
 * What somebody who installs the packages gets: `node scripts/smoke.ts FOLDER`, a folder with the six tarballs.
 *
 * Everything happens in a temporary folder, with npm, against the command's own simulator on a loopback port.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join, resolve, sep } from "node:path"
import { createInterface } from "node:readline"
import { type RuntimeName, runtimes, specifiersFor } from "./runtimes.ts"

const sessions = 2345
const root = resolve(import.meta.dirname, "..")
const environment = {
  ...process.env,
  // The Node that runs this file also runs the children.
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
  AGNI_API_KEY: "agni_test_key"
}

const check = (what: string, ok: boolean, seen: unknown): void => {
  if (!ok) throw new Error(`${what}: ${typeof seen === "string" ? seen : JSON.stringify(seen)}`)
  console.log(`ok  ${what}`)
}

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end, within a time. */
const run = async (
  cwd: string,
  command: string,
  args: ReadonlyArray<string>,
  seconds = 60,
  more: Readonly<Record<string, string>> = {}
): Promise<Ran> => {
  const child = spawn(command, args, {
    cwd,
    env: { ...environment, ...more },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: seconds * 1000,
    killSignal: "SIGKILL"
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  await once(child, "close")
  return { code: child.exitCode, stdout, stderr }
}

const succeed = async (what: string, ...command: Parameters<typeof run>): Promise<Ran> => {
  const ran = await run(...command)
  check(what, ran.code === 0, ran)
  return ran
}

/** The first address that a child prints, on either stream. */
const address = (child: ChildProcess, seconds: number): Promise<string> =>
  new Promise((found, failed) => {
    const seen: Array<string> = []
    const fail = (why: string): void => failed(new Error(`simulate ${why}:\n${seen.join("\n")}`))
    const timer = setTimeout(() => fail(`printed no address within ${seconds} s`), seconds * 1000)
    child.once("error", (error) => fail(error.message))
    child.once("exit", (code) => fail(`ended with ${code}`))
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      // Read on after the address was found, so that the child never waits for a full pipe.
      createInterface({ input: stream }).on("line", (line) => {
        seen.push(line)
        const match = /http:\/\/127\.0\.0\.1:\d+/.exec(line)
        if (match === null) return
        clearTimeout(timer)
        found(match[0])
      })
    }
  })

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000)
  child.kill("SIGINT")
  await ended
  clearTimeout(timer)
}

const program = `
import { AgniClient, CallSessions } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { Effect, Redacted, Stream } from "effect"

const count = Effect.gen(function* () {
  const simulator = yield* AgniSimulator.make({ sessions: ${sessions} })
  const client = AgniClient.layer({ apiKey: Redacted.make(simulator.apiKey) })
  return yield* Stream.runCount(CallSessions.sessions()).pipe(Effect.provide(client), Effect.provide(simulator.layer))
})
console.log(await Effect.runPromise(count))
`

const emptyFolder = (folder: string): void => {
  mkdirSync(folder)
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
}

/** `options`: `--offline` proves that nothing else is needed. */
const install = (folder: string, specifiers: ReadonlyArray<string>, options: ReadonlyArray<string>): Promise<Ran> => {
  emptyFolder(folder)
  const npm = ["install", "--no-audit", "--no-fund", "--loglevel=error", ...options, ...specifiers]
  return succeed(`npm install in an empty folder (${folder.split(sep).at(-1)})`, folder, "npm", npm, 180)
}

const versionOf = (manifest: string): string => {
  const { version }: { version: string } = JSON.parse(readFileSync(manifest, "utf8"))
  return version
}

/** The command, from its tarball alone. */
const smokeCli = async (folder: string, tarball: string): Promise<void> => {
  await install(folder, [tarball], ["--offline"])
  const installed = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."))
  check("the command brings no dependency", installed.join() === "@callstream", installed)

  const worker = join(folder, "node_modules/@callstream/cli/dist/DecodingWorker.mjs")
  check("the thread that decodes finds its module", existsSync(worker), worker)

  const callstream = join(folder, "node_modules", ".bin", "callstream")
  const version = versionOf(join(root, "packages/cli/package.json"))
  const told = await succeed("callstream --version", folder, callstream, ["--version"])
  check(`it is ${version}`, told.stdout.includes(version), told)

  const simulator = spawn(callstream, ["simulate", "--port", "0", "--sessions", String(sessions)], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"]
  })
  try {
    const baseUrl = await address(simulator, 20)
    check(`callstream simulate answers on ${baseUrl}`, true, "")
    const toFile = ["export", "--base-url", baseUrl, "--to", "out.ndjson"]
    await succeed("callstream export --to out.ndjson", folder, callstream, toFile)
    const lines = readFileSync(join(folder, "out.ndjson"), "utf8").trimEnd().split("\n")
    const idOf = (line: string): string => {
      const { id }: { id: string } = JSON.parse(line)
      return id
    }
    const ids = new Set(lines.map(idOf))
    check(`${sessions} sessions, each once`, lines.length === sessions && ids.size === sessions, [
      lines.length,
      ids.size
    ])
    const toHead = `set -o pipefail; "$0" export --base-url ${baseUrl} | head -1`
    const head = await succeed("callstream export | head -1", folder, "bash", ["-c", toHead, callstream])
    check("one line", head.stdout.trimEnd().split("\n").length === 1 && head.stdout.startsWith("{"), head)
  } finally {
    await end(simulator)
  }
}

/** What the app of examples/effect3 answers to GET /calls, while a simulator of the command is there. */
const callsOfApp = async (folder: string): Promise<ReadonlyArray<string>> => {
  const start = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
    spawn(process.execPath, args, {
      cwd: folder,
      env: { ...environment, ...env, NODE_NO_WARNINGS: "1" },
      stdio: ["ignore", "pipe", "pipe"]
    })
  const bin = join(root, "packages/cli/src/bin.ts")
  const simulator = start([bin, "simulate", "--port", "0", "--sessions", String(sessions)], {})
  try {
    const app = start(["app.ts"], { AGNI_BASE_URL: await address(simulator, 60), PORT: "0" })
    try {
      const text = await (await fetch(`${await address(app, 60)}/calls`)).text()
      return text.trimEnd().split("\n")
    } finally {
      await end(app)
    }
  } finally {
    await end(simulator)
  }
}

/** The package for Effect 3 in an app on Effect 3, from the tarballs, with either package manager. */
const smokeEffect3 = async (
  folder: string,
  manager: "npm" | "pnpm",
  { client, effect3 }: { readonly client: string; readonly effect3: string }
): Promise<void> => {
  const peers = ["effect", "@effect/platform"].map(
    (name) => `${name}@${versionOf(join(root, "packages/effect3/node_modules", name, "package.json"))}`
  )
  if (manager === "npm") await install(folder, [client, effect3, ...peers], ["--prefer-offline"])
  else {
    emptyFolder(folder)
    // The client is not published when this runs.
    const own = ["overrides:", `  "@callstream/client": ${JSON.stringify(`file:${client}`)}`, "strictDepBuilds: false"]
    writeFileSync(join(folder, "pnpm-workspace.yaml"), own.join("\n"))
    const pnpm = ["--yes", "pnpm@12.21.0", "add", "--ignore-scripts", "--prefer-offline", effect3, ...peers]
    await succeed("pnpm add in an empty folder (effect3)", folder, "npx", pnpm, 180)
  }
  copyFileSync(join(root, "examples/effect3/src/app.ts"), join(folder, "app.ts"))
  const lines = await callsOfApp(folder)
  check(
    `the app on Effect 3, installed with ${manager}, hands on ${sessions} calls`,
    lines.length === sessions,
    lines[0]
  )
  if (manager === "pnpm") return
  const dist = join(folder, "node_modules/@callstream/effect3/dist")
  const named = globSync("**/*.d.ts", { cwd: dist }).flatMap((file) =>
    Array.from(
      readFileSync(join(dist, file), "utf8").matchAll(/(?:from |import\()"([^".][^"]*)"/g),
      ([, name = ""]) => name
    )
  )
  const foreign = named.filter(
    (name) => !/^(effect|@effect\/platform)(\/|$)|^@callstream\/client\/(bridge|testing)$/.test(name)
  )
  check("its types name Effect 3 and the client alone", named.length > 20 && foreign.length === 0, foreign)
  const types = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2024", "--lib", "es2024"]
  const nodeTypes = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node", "--skipLibCheck", "app.ts"]
  await succeed("its types are right", folder, join(root, "node_modules/.bin/tsc"), [...types, ...nodeTypes])
}

/** The libraries, from their tarballs and the peers they ask for. */
const smokeLibraries = async (folder: string, tarballs: ReadonlyArray<string>): Promise<void> => {
  const peers = ["effect", "@effect/platform-node"].map(
    (name) => `${name}@${versionOf(join(root, "packages/node/node_modules", name, "package.json"))}`
  )
  await install(folder, [...tarballs, ...peers], ["--prefer-offline"])
  writeFileSync(join(folder, "program.ts"), program)
  const ran = await succeed("a program on @callstream/core runs", folder, process.execPath, ["program.ts"])
  check(`it counts ${sessions}`, ran.stdout.trim() === String(sessions), ran)
  const tsc = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2024", "--skipLibCheck", "program.ts"]
  await succeed("its types are right", folder, join(root, "node_modules/.bin/tsc"), tsc)

  for (const name of ["node", "cluster"]) {
    const imported = await succeed(`@callstream/${name} can be imported`, folder, process.execPath, [
      "--input-type=module",
      "--eval",
      `await import("@callstream/${name}")`
    ])
    check("without a word", imported.stderr === "", imported)
  }
  for (const name of ["core", "node", "cluster"]) {
    const dist = join(folder, "node_modules/@callstream", name, "dist")
    const internal = globSync("**/internal/**/*.js", { cwd: dist }).map(
      (file) => `@callstream/${name}/${file.replace(/\.js$/, "")}`
    )
    const code = `for (const path of ${JSON.stringify(internal)}) {
      let found = true
      try { import.meta.resolve(path) } catch { found = false }
      if (found) throw new Error(path + ' can be imported: block it in "exports"')
    }`
    const script = ["--input-type=module", "--eval", code]
    await succeed(`@callstream/${name} keeps its ${internal.length} internal modules`, folder, process.execPath, script)
  }
}

/** Other runtimes read fewer calls: enough for several windows and pages. */
const fewSessions = 345

/** The program of the README on the pipeline: with files, a checkpoint and locks, which runtimes have to have. */
const programOfReadme = (): string => {
  const readme = readFileSync(join(root, "README.md"), "utf8")
  const found = /### 2\. A pipeline in code[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1]
  if (found === undefined) throw new Error("the README has no program for a pipeline")
  return found
}

/** The libraries that were installed in a folder, in the other runtimes and in this one, side by side. */
const smokeReadme = async (folder: string, paths: Readonly<Record<RuntimeName, string>>): Promise<void> => {
  writeFileSync(join(folder, "readme.ts"), programOfReadme())
  const command = [join(root, "packages/cli/dist/callstream.mjs"), "simulate", "--port", "0"]
  const simulator = spawn(process.execPath, [...command, "--sessions", String(fewSessions)], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"]
  })
  try {
    const baseUrl = await address(simulator, 60)
    const write = ["--allow-write", "--allow-net", "--allow-sys", "--allow-run"]
    const commands = [
      ["node", process.execPath],
      ["node22", paths.node22],
      ["node24", paths.node24],
      ["bun", paths.bun],
      ["deno", paths.deno, ...runtimes.deno.args, ...write]
    ]
    const programs = commands.map(async ([name, path = "", ...args]) => {
      const ran = await run(folder, path, [...args, "readme.ts"], 120, { AGNI_BASE_URL: baseUrl })
      const isRight = ran.code === 0 && ran.stdout.endsWith("exactly once\n0 false\ntrue\n")
      check(`the README's pipeline in ${name} writes its file, once`, isRight, ran)
      const saysSo = (ran.stdout + ran.stderr).includes("this runtime has no undici")
      check(`${name} has ${saysSo ? "no undici" : "undici"}`, saysSo === (name === "bun"), ran)
    })
    await Promise.all(programs)
  } finally {
    await end(simulator)
  }
}

/** A program on the client: every kind of loop, against its own simulator. It prints what it got. */
const plain = (sessions: number) => `
const run = async ({ AgniError, createClient, memoryLedger }, { simulate }) => {
  const simulator = simulate({ sessions: ${sessions} })
  const { apiKey, fetch } = simulator
  const client = createClient({ apiKey, fetch })
  const ids = new Set()
  const calls = client.sessions()
  for await (const { id } of calls) ids.add(id)
  let changes = 0
  const from = new Date(Date.now() - 40 * 86400000)
  for await (const change of client.changes({ from, ledger: memoryLedger() })) changes++
  const wrong = await createClient({ apiKey: "wrong", fetch }).list().catch((error) => error)
  const isRight = wrong instanceof AgniError && wrong.reason._tag === "Unauthorized"
  console.log(ids.size, changes === ids.size, calls.verdict.verdict, isRight, simulator.missed(ids).length)
}
`

const usesOfClient = (sessions: number) => ({
  "esm.mjs": `import * as client from "@callstream/client"\nimport * as testing from "@callstream/client/testing"\nimport "@callstream/client/bridge"\n${plain(sessions)}\nawait run(client, testing)`,
  "cjs.cjs": `require("@callstream/client/bridge")\n${plain(sessions)}\nrun(require("@callstream/client"), require("@callstream/client/testing"))`
})

const readsAll = ({ stdout }: Ran, sessions: number): boolean => stdout.trim() === `${sessions} true provisional true 0`

/** Installs the runtimes with pnpm, whose store keeps what was unpacked once. Gives the path of each. */
const installRuntimes = async (folder: string): Promise<Readonly<Record<RuntimeName, string>>> => {
  const specifiers = specifiersFor(`${process.platform}-${process.arch}`)
  emptyFolder(folder)
  const pnpm = ["--yes", "pnpm@12.21.0", "add", "--ignore-scripts", "--prefer-offline", ...specifiers]
  await succeed("install of other runtimes", folder, "npx", pnpm, 300)
  const pathOf = (name: RuntimeName) => join(folder, "node_modules", name, runtimes[name].path)
  return {
    bun: pathOf("bun"),
    deno: pathOf("deno"),
    node22: pathOf("node22"),
    node24: pathOf("node24"),
    workerd: pathOf("workerd")
  }
}

/** A Worker on the client, in the runtime of Cloudflare, which has neither Node nor a file. Its test fails if it throws. */
const { "esm.mjs": programOfWorker } = usesOfClient(fewSessions)
const worker = programOfWorker
  .replace(/@callstream\/client\/(\w+)/g, "./$1.js")
  .replace("@callstream/client", "./index.js")
  .replace("await run(client, testing)", "export default { test: () => run(client, testing) }")

const workerConfig = (files: ReadonlyArray<string>): string => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = (
  compatibilityDate = "2026-07-01",
  modules = [${["worker.js", ...files].map((name) => `(name = "${name}", esModule = embed "${name}")`).join(", ")}]
))]);
`

/** Types without those of effect, as a program of either kind sees them. */
const typesOfClient = `
import { type CallSession, createClient } from "@callstream/client"
import { createBridge, type Host } from "@callstream/client/bridge"
import { simulate } from "@callstream/client/testing"
const { apiKey, fetch } = simulate()
export const read = async (host: Host): Promise<ReadonlyArray<CallSession>> => {
  const calls: Array<CallSession> = []
  for await (const call of createClient({ apiKey, fetch }).sessions()) calls.push(call)
  for await (const some of createBridge({ apiKey }).windows(host, {})) {
    for (const { rows } of some) calls.push(...rows.sessions())
  }
  return calls
}
`

/** The client, from its tarball alone. */
const smokeClient = async (folder: string, tarball: string): Promise<void> => {
  await install(folder, [tarball], ["--offline"])
  const installed = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."))
  check("the client brings no dependency", installed.join() === "@callstream", installed)
  const dist = join(folder, "node_modules/@callstream/client/dist")
  check(
    "it names what it contains",
    readFileSync(join(dist, "THIRD_PARTY_LICENSES.txt"), "utf8").startsWith("effect "),
    dist
  )
  for (const [name, program] of Object.entries(usesOfClient(sessions))) {
    writeFileSync(join(folder, name), program)
    const ran = await succeed(`${name} on @callstream/client runs`, folder, process.execPath, [name])
    check("it reads every call", readsAll(ran, sessions), ran)
    check("without a word", ran.stderr === "", ran)
  }
  for (const name of ["types.mts", "types.cts"]) {
    writeFileSync(join(folder, name), typesOfClient)
    const checked = ["--strict", "--noEmit", "--module", "nodenext", "--lib", "es2024,dom", "--types", "", name]
    await succeed(`its types are right (${name})`, folder, join(root, "node_modules/.bin/tsc"), checked)
  }
}

/** The client that was installed in a folder, in the other runtimes. */
const smokeRuntimes = async (folder: string, paths: Readonly<Record<RuntimeName, string>>): Promise<void> => {
  const programs = Object.entries(usesOfClient(fewSessions))
  for (const [name, program] of programs) writeFileSync(join(folder, name), program)
  for (const runtime of ["bun", "deno", "node22"] as const) {
    for (const [name] of programs) {
      const ran = await run(folder, paths[runtime], [...runtimes[runtime].args, name])
      check(`${name} in ${runtime} reads every call`, ran.code === 0 && readsAll(ran, fewSessions), ran)
    }
  }
  const dist = join(folder, "node_modules/@callstream/client/dist")
  const files = readdirSync(dist).filter((name) => name.endsWith(".js"))
  for (const name of files) copyFileSync(join(dist, name), join(folder, name))
  writeFileSync(join(folder, "worker.js"), worker)
  writeFileSync(join(folder, "worker.capnp"), workerConfig(files))
  const ran = await run(folder, paths.workerd, runtimes.workerd.args)
  check("a Worker reads every call", ran.code === 0 && readsAll(ran, fewSessions), ran)
}

const [given] = process.argv.slice(2)
if (given === undefined || !existsSync(given)) {
  console.error("usage: node scripts/smoke.ts FOLDER (made by: pnpm run build && pnpm run packages FOLDER)")
  process.exit(2)
}
const tarball = (name: "core" | "node" | "cluster" | "client" | "effect3" | "cli"): string =>
  resolve(given, `callstream-${name}-${versionOf(join(root, "packages", name, "package.json"))}.tgz`)
const temporary = mkdtempSync(join(tmpdir(), "callstream-smoke-"))
try {
  // Most of an install is waiting.
  const [paths] = await Promise.all([
    installRuntimes(join(temporary, "runtimes")),
    smokeLibraries(join(temporary, "libraries"), [tarball("core"), tarball("node"), tarball("cluster")]),
    ...(["npm", "pnpm"] as const).map((manager) =>
      smokeEffect3(join(temporary, `effect3-${manager}`), manager, {
        client: tarball("client"),
        effect3: tarball("effect3")
      })
    )
  ])
  await Promise.all([
    smokeReadme(join(temporary, "libraries"), paths),
    smokeClient(join(temporary, "client"), tarball("client"))
  ])
  await smokeRuntimes(join(temporary, "client"), paths)
  await smokeCli(join(temporary, "command"), tarball("cli"))
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
