/** Secrets and personal data, unmistakable, in every kind of run: where they may be found, and where not. */
import { Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, type Options, server, simulation, start } from "../Callstream.ts"
import * as Receiver from "../torture/KillReceiver.ts"

const secrets = {
  apiKey: "agni_canary_key_c0ffee",
  // whsec_ and the base64 of 24 bytes.
  webhook: "Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LTI0",
  token: "canary-url-token-5e1f",
  redact: "canary-redact-key-9d27-long-enough"
}
const personal = {
  phone: "4155559731",
  email: "canary.bird@example.org",
  name: "Canaria Zwitscher",
  recording: "canary-recording-token-77a1",
  search: "canary search words"
}

/** The simulator, with these in each record, and some records that cannot be read. */
const sessionsWithCanaries = Effect.fnUntraced(function* (options: Parameters<typeof simulation>[0] = {}) {
  const one = yield* simulation({ sessions: 120, undated: 0, apiKey: secrets.apiKey, ...options })
  const proxy = yield* server((request, response) => {
    const forward = async () => {
      const asked = new URL(request.url ?? "/", one.url)
      // What is in the records by now is not what the simulator would look for.
      for (const filter of ["caller_number", "search"]) asked.searchParams.delete(filter)
      const answer = await fetch(asked, {
        headers: { "x-api-key": String(request.headers["x-api-key"]) }
      })
      const text = await answer.text()
      response.writeHead(answer.status, {
        date: answer.headers.get("date") ?? "",
        "content-type": answer.headers.get("content-type") ?? ""
      })
      if (!answer.ok) return void response.end(`${text} ${JSON.stringify(request.headers)} ${request.url}`)
      const body = JSON.parse(text) as { data: { callSessions: Array<Record<string, unknown>> | null } }
      for (const record of body.data.callSessions ?? []) {
        Object.assign(record, {
          callerNumber: `+1${personal.phone}`,
          summary: `${personal.name} <${personal.email}> called`,
          metadata: { customer_name: personal.name },
          recordingUrl: `https://recordings.example/call.wav?token=${personal.recording}`,
          ...(/[0-3]$/.test(String(record["id"])) ? { id: null, errorMessage: `${personal.name}?` } : {})
        })
      }
      response.end(JSON.stringify(body))
    }
    forward().catch(() => response.destroy())
  })
  return proxy.url
})

const everyFile = (cwd: string): ReadonlyArray<string> =>
  readdirSync(cwd, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(cwd, name)).isFile())

/** Output, dead letters, and messages on their way. */
const isData = (name: string) => /\.ndjson(\.partial)?$/.test(name) || name.includes("spool-nightly")

const assertNone = (where: string, text: string, canaries: Readonly<Record<string, string>>) => {
  for (const [what, canary] of Object.entries(canaries)) {
    assert.isFalse(text.toLowerCase().includes(canary.toLowerCase()), `${what} in ${where}: ${text.slice(0, 2000)}`)
  }
}

const assertClean = (cwd: string) => {
  const names = everyFile(cwd)
  for (const name of names) {
    const text = readFileSync(join(cwd, name), "utf8")
    assertNone(name, text, isData(name) ? secrets : { ...secrets, ...personal })
    assertNone("a file's name", name, { ...secrets, ...personal })
  }
  return names
}

const lasting = ["--max-dead-letters", "100"]

describe("secrets and personal data", alongside, () => {
  it.live("are nowhere but where they belong", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const url = yield* sessionsWithCanaries()
      const failing = yield* sessionsWithCanaries({
        script: [{ on: { from: 3 }, fault: Fault.status(500), times: 1000 }]
      })
      const receiver = yield* Receiver.make({
        path: `/${secrets.token}?key=${secrets.token}`,
        refuses: (id) => /[4-7]$/.test(id)
      })
      const refusing = yield* Receiver.make({ path: `/${secrets.token}` })
      refusing.answer(403)
      const nowhere = `http://127.0.0.1:9/${secrets.token}`
      const options: Options = {
        cwd,
        env: {
          AGNI_API_KEY: secrets.apiKey,
          AGNI_BASE_URL: url,
          CALLSTREAM_WEBHOOK_SECRET: `whsec_${secrets.webhook}`,
          CALLSTREAM_REDACT_KEY: secrets.redact
        }
      }
      const hook = ["--to", receiver.url, "--allow-private-hosts", "--dead-letters", "dead.ndjson"]
      const nightly = [
        "export",
        "--name",
        "nightly",
        "--to",
        "nightly.ndjson",
        "--rotate",
        "day",
        ...hook,
        "--coverage",
        "coverage.json",
        "--page-size",
        "5",
        "--batch-size",
        "1",
        "--commit-every",
        "0ms",
        ...lasting
      ]
      const searching = ["--caller-number", `+1${personal.phone}`, "--search", personal.search]
      const commands: ReadonlyArray<readonly [code: number, args: ReadonlyArray<string>, options?: Options]> = [
        [0, ["export", "--to", "plain.ndjson", "--debug", ...lasting]],
        [
          0,
          [
            "export",
            "--to",
            "hashed.ndjson",
            "--redact",
            "phone=hash,email,name,recording,freeText",
            "--debug",
            ...lasting
          ]
        ],
        [0, ["run", "shown.yaml", "--dry-run"]],
        [0, ["export", ...hook, "--debug", ...lasting]],
        [
          1,
          [
            "export",
            "--to",
            "failed.ndjson",
            "--debug",
            "--retries",
            "1",
            "--base-url",
            failing,
            ...searching,
            ...lasting
          ]
        ],
        [1, ["export", "--to", refusing.url, "--allow-private-hosts", "--debug", ...lasting]],
        [2, ["export", "--to", `${nowhere}?key=${secrets.token}`]],
        [1, ["export", "--to", "many.ndjson", "--debug"]],
        [1, ["export", "--debug"], { env: { ...options.env, AGNI_API_KEY: `${secrets.apiKey}_wrong` } }],
        [0, ["export", "--explain", "--to", "explained.ndjson", ...hook]],
        [0, ["plan", "--debug", ...searching]],
        [0, ["check", "--debug"]],
        [0, ["check", "--json"]]
      ]
      const check = Effect.fnUntraced(function* (code: number, args: ReadonlyArray<string>, more?: Options) {
        const ran = yield* callstream(args, { ...options, ...more })
        assertNone(args.join(" "), ran.stderr + ran.stdout, { ...secrets, ...personal })
        assert.strictEqual(ran.code, code, `${args.join(" ")}: ${ran.stderr}`)
      })
      writeFileSync(
        join(cwd, "shown.yaml"),
        "transforms:\n  redact: [phone, email, name, recording, freeText]\nsinks: [shown.ndjson]\n"
      )
      yield* Effect.forEach(commands, (one) => check(...one), { concurrency: 3, discard: true })
      yield* check(3, ["replay", "dead.ndjson", ...hook.slice(0, 3)])
      assert.isTrue(existsSync(join(cwd, "dead.ndjson")))

      // Killed in the middle, where its lock and its spool are still there.
      const killed = yield* Effect.scoped(
        Effect.gen(function* () {
          const state = join(cwd, ".callstream")
          const { child, ended } = yield* start(nightly, options)
          receiver.set({
            phase: "before",
            nth: 35,
            kill: () => void child.kill("SIGKILL")
          })
          const ran = yield* ended
          receiver.set(undefined)
          assert.isNull(ran.code)
          assert.isTrue(existsSync(join(state, "nightly.lock")))
          return ran
        })
      )
      assertNone("a killed run", killed.stderr + killed.stdout, { ...secrets, ...personal })
      assert.isTrue(assertClean(cwd).some((name) => name.includes("spool-nightly")))
      const other = yield* callstream(nightly, options)
      assertNone("the run that goes on", other.stderr + other.stdout, { ...secrets, ...personal })
      assert.strictEqual(other.code, 0, other.stderr)
      assert.include(other.stderr, "resumed at")
      // What a search finds cannot be proven.
      const filtered = ["export", "--name", "filtered", "--to", "filtered.ndjson", ...lasting, ...searching]
      yield* check(3, filtered)
      const names = assertClean(cwd)
      for (const name of [
        "nightly.manifest.json",
        "coverage.json",
        join(".callstream", "nightly.json"),
        join(".callstream", "filtered.json")
      ]) {
        assert.include(names, name)
      }
      // They were there to be found.
      assert.include(readFileSync(join(cwd, "plain.ndjson"), "utf8"), personal.recording)
      assert.include(readFileSync(join(cwd, "dead.ndjson"), "utf8"), personal.name)
      for (const redacted of ["hashed.ndjson", "hashed.ndjson.dead-letters.ndjson"]) {
        assertNone(redacted, readFileSync(join(cwd, redacted), "utf8"), personal)
      }

      const changed = yield* callstream([...filtered.slice(0, -1), "other words"], options)
      assert.strictEqual(changed.code, 2)
      assert.include(changed.stderr, "filters was")
      assertNone("a checkpoint that is refused", changed.stderr, { ...secrets, ...personal })
    })
  )
})
