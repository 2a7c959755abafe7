/** The files of `deploy/` as systems read them: their commands run, their pipelines are valid, and no root is needed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import { alongside, callstream, folder, simulation } from "./Callstream.ts"

const read = (name: string) => readFileSync(join(import.meta.dirname, "../../../deploy", name), "utf8")

/** Every value of a key, at any depth. */
const valuesOf = (data: unknown, key: string): ReadonlyArray<unknown> =>
  typeof data !== "object" || data === null
    ? []
    : Object.entries(data).flatMap(([name, value]) => [...(name === key ? [value] : []), ...valuesOf(value, key)])

/** Instructions of a Dockerfile, each on one line. */
const instructions = read("Dockerfile")
  .replace(/^#.*\n/gm, "")
  .replace(/\\\n\s*/g, "")
  .trim()
  .split("\n")
  .map((line) => /^(\w+) (.*)$/.exec(line) ?? [])

const argumentsOf = (line: string) => line.replace(/^.*?callstream /, "").split(" ")

describe("deploy", alongside, () => {
  it("has an image of one command, whose user is not root and writes to one folder", () => {
    const all = (name: string) => instructions.flatMap(([, word, rest = ""]) => (word === name ? [rest] : []))
    assert.deepStrictEqual(
      instructions.map(([, word]) => word),
      ["FROM", "ARG", "RUN", "USER", "WORKDIR", "VOLUME", "HEALTHCHECK", "ENTRYPOINT", "CMD"]
    )
    assert.match(all("FROM")[0] ?? "", /^node:(2[4-9]|[3-9]\d)-slim$/)
    assert.deepStrictEqual([all("USER"), all("WORKDIR"), all("VOLUME")], [["node"], ["/data"], ["/data"]])
    assert.deepStrictEqual(JSON.parse(all("ENTRYPOINT")[0] ?? ""), ["callstream"])
    assert.include(all("RUN")[0], "--owner=node --group=node --mode=0700 /data")
  })

  it.live("has a crontab line that works as it is written, twice, and a health check that agrees", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const { url } = yield* simulation({ sessions: 300 })
      writeFileSync(join(home, "key.txt"), "agni_test_key\n", { mode: 0o600 })
      const line = read("crontab")
        .split("\n")
        .find((line) => line.startsWith("*/15 * * * * "))
        ?.slice("*/15 * * * * ".length)
      assert.notInclude(line, "%", "cron takes it for the end of the line")
      const shell = (line ?? "").replace("/srv/calls", home).replace(/ callstream (.*)$/, (_, rest) => ` "$@" ${rest}`)
      const env = { AGNI_API_KEY: undefined, AGNI_BASE_URL: url }
      for (const time of ["first", "second"]) {
        assert.deepStrictEqual(yield* callstream([], { env, shell }), { code: 0, stdout: "", stderr: "" }, time)
      }
      const check: ReadonlyArray<string> = JSON.parse(/CMD (\[.*\])/.exec(read("Dockerfile"))?.[1] ?? "[]")
      assert.strictEqual(check[0], "callstream")
      const healthy = yield* callstream(check.slice(1), { cwd: home })
      assert.strictEqual(healthy.code, 0, healthy.stderr)
      const late = yield* callstream(["status", "--max-lag", "1h"], { cwd: home })
      assert.strictEqual(late.code, 3, "calls of the last two hours are never proven")
      const none = yield* callstream(check.slice(1), { cwd: yield* folder })
      assert.strictEqual(none.code, 2)
    })
  )

  it.live("has a unit whose command runs, with the key as a credential, in a folder of its own", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const { run } = yield* simulation({ sessions: 100 })
      const unit = new Map(
        Array.from(read("systemd/callstream.service").matchAll(/^(\w+)=(.*)$/gm), ([, key = "", value = ""]) => [
          key,
          value
        ])
      )
      assert.deepInclude(Object.fromEntries(unit), {
        Type: "oneshot",
        DynamicUser: "yes",
        ProtectSystem: "strict",
        NoNewPrivileges: "yes",
        StateDirectory: "callstream",
        WorkingDirectory: "%S/callstream"
      })
      assert.isFalse(unit.has("MemoryDenyWriteExecute"), "V8 compiles while it runs")
      mkdirSync(join(home, "credentials"))
      writeFileSync(join(home, "credentials/api-key"), "agni_test_key", { mode: 0o600 })
      const command = (unit.get("ExecStart") ?? "").replace("%d", join(home, "credentials"))
      assert.match(command, /^\/usr\/local\/bin\/callstream /)
      const { code, stderr } = yield* run(argumentsOf(command), { cwd: home, env: { AGNI_API_KEY: undefined } })
      assert.strictEqual(code, 0, stderr)
      assert.match(read("systemd/callstream.timer"), /^OnCalendar=\*:0\/15$/m)
    })
  )

  it.live("has Kubernetes objects with valid pipelines, no root, and probes and arguments that are understood", () =>
    Effect.gen(function* () {
      for (const name of ["cronjob", "deployment"]) {
        const cwd = yield* folder
        const documents = parseAllDocuments(read(`kubernetes/${name}.yaml`)).map((one) => {
          assert.lengthOf(one.errors, 0)
          return one.toJS() as unknown
        })
        const pipelines = valuesOf(documents, "pipeline.yaml").map(String)
        assert.lengthOf(pipelines, 1)
        writeFileSync(join(cwd, "pipeline.yaml"), pipelines[0] ?? "")
        const env = { DATABASE_URL: "postgres://u:p@db.example.com/calls?sslmode=verify-full" }
        const valid = yield* callstream(["validate", "pipeline.yaml"], { cwd, env })
        assert.match(valid.stdout, /calls: sync to postgres:DATABASE_URL/, valid.stderr)
        const [args] = valuesOf(documents, "args")
        const words = (args as ReadonlyArray<string>).map((word) => word.replace("/etc/callstream/", ""))
        const explained = yield* callstream([...words, "--explain"], { cwd, env })
        assert.strictEqual(explained.code, 0, explained.stderr)
        for (const key of ["readOnlyRootFilesystem", "runAsNonRoot"]) {
          assert.deepStrictEqual(valuesOf(documents, key), [true])
        }
        assert.deepStrictEqual(valuesOf(documents, "allowPrivilegeEscalation"), [false])
        for (const command of valuesOf(documents, "command")) {
          const [program, ...rest] = command as ReadonlyArray<string>
          assert.strictEqual(program, "callstream")
          const state = rest.map((word) => (word.startsWith("postgres:") ? "state" : word))
          const checked = yield* callstream(state, { cwd })
          assert.match(checked.stderr, /^error: there is no sync calls/)
        }
      }
    })
  )

  it.live("has workers for Kubernetes, and a job that gives them a valid pipeline", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const documents = parseAllDocuments(read("kubernetes/fleet.yaml")).map((one) => {
        assert.lengthOf(one.errors, 0)
        return one.toJS() as unknown
      })
      writeFileSync(join(cwd, "pipeline.yaml"), String(valuesOf(documents, "pipeline.yaml")))
      const env = { DATABASE_URL: "postgres://u:p@db.example.com/calls?sslmode=verify-full" }
      const valid = yield* callstream(["validate", "pipeline.yaml"], { cwd, env })
      assert.match(valid.stdout, /calls: sync to postgres:DATABASE_URL/, valid.stderr)
      const all = valuesOf(documents, "args") as ReadonlyArray<ReadonlyArray<string>>
      assert.deepStrictEqual(
        all.map(([name]) => name),
        ["worker", "run"]
      )
      // Every argument is understood before the database is looked for.
      for (const args of all) {
        const words = args.map((word) =>
          word.replace("/etc/callstream/", "").replace("postgres:DATABASE", "postgres:NO")
        )
        const { code, stderr } = yield* callstream(words, { cwd, env })
        assert.strictEqual(code, 2)
        assert.match(stderr, /NO_URL/)
      }
      assert.deepStrictEqual(valuesOf(documents, "terminationGracePeriodSeconds"), [30])
      for (const key of ["readOnlyRootFilesystem", "runAsNonRoot"]) {
        assert.deepStrictEqual(valuesOf(documents, key), [true, true])
      }
    })
  )
})
