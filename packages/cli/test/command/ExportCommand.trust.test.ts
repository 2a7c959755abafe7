/** Files that somebody else made, or can write to, and links: one rule for all of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { alongside, folder, idsOf, lines, type Ran, simulation } from "../Callstream.ts"

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
const stranger = 65_534
const isRoot = process.getuid?.() === 0
const unix = it.live.skipIf(process.platform === "win32")
const asRoot = it.live.skipIf(!isRoot)

const database = (path: string) => {
  const made = new DatabaseSync(path)
  made.exec("CREATE TABLE theirs (x)")
  made.close()
}
const file = (path: string, text = "theirs\n") => {
  writeFileSync(path, text, { mode: 0o600 })
}
const directory = (path: string) => {
  mkdirSync(path, { mode: 0o700 })
}

/** What a run finds in its folder, and the command that would use it. */
const places: ReadonlyArray<{
  readonly name: string
  readonly make?: (path: string) => void
  readonly args: ReadonlyArray<string>
  /** It is needed to get that far. */
  readonly before?: (cwd: string) => void
}> = [
  { name: "calls.ndjson", args: ["export", "--force", "--to", "calls.ndjson"] },
  { name: "calls.parquet", args: ["export", "--force", "--to", "calls.parquet"] },
  { name: "calls.ndjson.partial", args: ["export", "--to", "calls.ndjson"] },
  { name: "calls.manifest.json", args: ["export", "--force", "--rotate", "day", "--to", "calls.csv"] },
  { name: "c.json", args: ["export", "--force", "--to", "calls.ndjson", "--coverage", "c.json"] },
  { name: "c.json", args: ["export", "--name", "n", "--to", "calls.ndjson", "--coverage", "c.json"] },
  { name: "odd.ndjson", args: ["export", "--to", "calls.ndjson", "--dead-letters", "odd.ndjson"] },
  { name: "calls.ndjson.dead-letters.ndjson", args: ["export", "--to", "calls.ndjson"] },
  { name: "calls.db", make: database, args: ["export", "--to", "sqlite:calls.db"] },
  { name: "calls.db-wal", args: ["export", "--to", "sqlite:calls.db"] },
  { name: "calls.db-journal", args: ["export", "--to", "sqlite:calls.db"] },
  {
    name: "state.db",
    make: database,
    args: ["export", "--name", "n", "--state", "sqlite:state.db", "--to", "calls.ndjson"]
  },
  { name: "salt", args: ["export", "--name", "n", "--state", ".", "--to", "calls.ndjson"] },
  {
    name: "n.json",
    args: ["export", "--name", "n", "--state", ".", "--to", "calls.ndjson"],
    before: (cwd) => {
      chmodSync(cwd, 0o700)
    }
  },
  { name: "p.yaml", args: ["export", "--to", "calls.ndjson", "--save", "p.yaml", "--force"] },
  { name: "letters.ndjson", args: ["replay", "letters.ndjson", "--to", "calls.ndjson"] }
]

/** What is only read: a link is followed. */
const inputs: typeof places = [
  { name: "p.yaml", args: ["run", "p.yaml"] },
  { name: "seen.json", args: ["export", "--to", "calls.ndjson", "--profile", "seen.json"] },
  { name: "key.txt", args: ["export", "--to", "calls.ndjson", "--api-key-file", "key.txt"] },
  { name: "url.txt", args: ["export", "--to", "postgres:@url.txt"] }
]

const folders: typeof places = [
  { name: "state", make: directory, args: ["export", "--name", "n", "--state", "state", "--to", "calls.ndjson"] },
  {
    name: ".callstream",
    make: directory,
    args: [
      "export",
      "--name",
      "n",
      "--state",
      "sqlite:state.db",
      "--to",
      "http://127.0.0.1:9/",
      "--allow-private-hosts"
    ]
  }
]

const content = (path: string) =>
  statSync(path).isDirectory() ? readdirSync(path).join() : readFileSync(path).toString("base64")

/** Runs the command over what `spoil` makes of a place; it is refused, and nothing changes. */
const refused = Effect.fnUntraced(function* (
  { args, before, make = file, name }: (typeof places)[number],
  spoil: (path: string, cwd: string) => void,
  problem: RegExp
) {
  const cwd = yield* folder
  const { run, simulator } = yield* simulation({ sessions: 5 })
  const path = join(cwd, name)
  before?.(cwd)
  make(path)
  spoil(path, cwd)
  const was = content(path)
  const { code, stderr, stdout }: Ran = yield* run(args, { cwd, env: { CALLSTREAM_WEBHOOK_SECRET: secret } })
  const where = `${args.join(" ")}: ${stderr}`
  assert.strictEqual(code, 2, where)
  assert.strictEqual(stdout, "", where)
  assert.match(stderr, problem, where)
  assert.include(stderr, name, where)
  assert.match(stderr, /\n {2}(?:Remove|Choose|Check) /, where)
  assert.strictEqual(content(path), was, where)
  assert.isFalse(existsSync(join(cwd, "calls.ndjson")) && name !== "calls.ndjson", where)
  return simulator.requests.length
})

describe("what was there before", alongside, () => {
  for (const place of [...places, ...inputs, ...folders]) {
    const title = `${place.name} of ${place.args.join(" ")}`
    unix(`others can write to it: ${title}`, () =>
      refused(
        place,
        (path) => chmodSync(path, lstatSync(path).isDirectory() ? 0o777 : 0o666),
        /can be written to by others \(mode 0(?:666|777)\)/
      )
    )
    asRoot(`another user's: ${title}`, () =>
      refused(place, (path) => chownSync(path, stranger, stranger), /belongs to another user \(uid 65534\)/)
    )
  }

  for (const place of places) {
    unix(`a link: ${place.name} of ${place.args.join(" ")}`, () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const { make = file } = place
        make(join(cwd, "victim"))
        yield* refused(
          { ...place, make: (path) => symlinkSync(join(cwd, "victim"), path) },
          () => {},
          /is a symbolic link/
        )
      })
    )
  }

  asRoot("another user's link in the place of the state folder", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      directory(join(cwd, "victim"))
      for (const place of folders) {
        const link = (path: string) => {
          symlinkSync(join(cwd, "victim"), path)
          execFileSync("chown", ["-h", String(stranger), path])
        }
        yield* refused({ ...place, make: link }, () => {}, /is a symbolic link/)
      }
      assert.deepStrictEqual(readdirSync(join(cwd, "victim")), [])
    })
  )

  unix("links on the way, an own link to the state folder, a folder as /tmp is, and mounted secrets are fine", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 5 })
      mkdirSync(join(cwd, "shared"))
      chmodSync(join(cwd, "shared"), 0o1777)
      symlinkSync("shared", join(cwd, "data"))
      directory(join(cwd, "elsewhere"))
      symlinkSync("elsewhere", join(cwd, "state"))
      file(join(cwd, "secret"), "agni_test_key\n")
      symlinkSync("secret", join(cwd, "key.txt"))
      const args = ["export", "--name", "n", "--state", "state", "--to", "data/calls.ndjson"]
      const { code, stderr } = yield* run([...args, "--api-key-file", "key.txt"], {
        cwd,
        env: { AGNI_API_KEY: undefined }
      })
      assert.strictEqual(code, 0, stderr)
      assert.lengthOf(idsOf(readFileSync(join(cwd, "shared", "calls.ndjson"), "utf8")), 5)
      assert.include(readdirSync(join(cwd, "elsewhere")), "n.json")
      assert.notInclude(stderr, "others can read")
    })
  )

  unix("others can only read it: it is used, with a warning", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 5 })
      file(join(cwd, "key.txt"), "agni_test_key\n")
      chmodSync(join(cwd, "key.txt"), 0o604)
      // A process that runs many commands says once of a name what it says.
      database(join(cwd, "readable.db"))
      chmodSync(join(cwd, "readable.db"), 0o644)
      const { code, stderr } = yield* run(["export", "--to", "sqlite:readable.db", "--api-key-file", "key.txt"], {
        cwd
      })
      assert.strictEqual(code, 0, stderr)
      assert.match(stderr, /others can read key\.txt \(mode 0604\)\. Run: chmod go-r key\.txt/)
      assert.match(stderr, /others can read readable\.db \(mode 0644\)\. Run: chmod go-r readable\.db/)
      assert.lengthOf(stderr.match(/others can read readable\.db/g) ?? [], 1, "it is said once")
    })
  )

  unix("a group that has the number of the owner is the owner's own", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 5 })
      file(join(cwd, "calls.ndjson"))
      chmodSync(join(cwd, "calls.ndjson"), 0o664)
      const { gid, uid } = statSync(join(cwd, "calls.ndjson"))
      const args = ["export", "--force", "--to", "calls.ndjson"]
      assert.strictEqual((yield* run(args, { cwd })).code, gid === uid ? 0 : 2)
      if (!isRoot) return
      chmodSync(join(cwd, "calls.ndjson"), 0o664)
      chownSync(join(cwd, "calls.ndjson"), 0, stranger)
      assert.strictEqual((yield* run(args, { cwd })).code, 2)
    })
  )

  unix("devices, pipes and what the process was given are used as before", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 5, faults: [], undated: 0 })
      const none = ["--where", "metadata.none.all(x, true) || double(id) == 0 || true"]
      for (const letters of ["/dev/null", "/dev/stderr", "/dev/fd/2"]) {
        const args = ["export", "--to", "-", "--dead-letters", letters, ...none]
        const { code, stderr, stdout } = yield* run(args, { cwd })
        assert.strictEqual(code, 0, stderr)
        assert.lengthOf(lines(stdout), 5)
      }
      const { code, stderr } = yield* run(["export", "--to", "-", "--api-key-file", "/dev/fd/3"], {
        cwd,
        shell: 'echo agni_test_key | { "$@" 3<&0; }',
        env: { AGNI_API_KEY: undefined }
      })
      assert.strictEqual(code, 0, stderr)
    })
  )
})
