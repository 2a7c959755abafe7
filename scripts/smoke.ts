/**
 * What somebody who installs the packages gets: `node scripts/smoke.ts FOLDER`, a folder with the six tarballs.
 *
 * Everything happens in a temporary folder, with npm, against the command's own simulator on a loopback port.
 */
import { spawn } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { type RuntimeName, runtimes, specifiersFor } from "./runtimes.ts"
import { smokeClient, smokeRuntimes } from "./smoke/Client.ts"
import {
  address,
  check,
  emptyFolder,
  end,
  environment,
  fewSessions,
  install,
  root,
  run,
  sessions,
  succeed,
  versionOf
} from "./smoke/Step.ts"

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
