/** The client without Effect, from its tarball, in each runtime that it promises. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type RuntimeName, runtimes } from "../runtimes.ts"
import { check, fewSessions, install, type Ran, root, run, sessions, succeed } from "./Step.ts"

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
export const smokeClient = async (folder: string, tarball: string): Promise<void> => {
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
export const smokeRuntimes = async (folder: string, paths: Readonly<Record<RuntimeName, string>>): Promise<void> => {
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
