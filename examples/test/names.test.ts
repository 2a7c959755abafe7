/** A file's name says what it is, once in the repository, and a test is named after what it tests. */
import { assert, describe, it } from "vitest"
import { readdirSync, readFileSync } from "node:fs"
import { basename, join, sep } from "node:path"

const root = join(import.meta.dirname, "../..")

const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name.endsWith(".ts")
      ? [
          join(entry.parentPath, entry.name)
            .slice(root.length + 1)
            .replaceAll(sep, "/")
        ]
      : []
  )

const files = ["core", "node", "cluster", "cli", "client"].flatMap((name) =>
  ["src", "test"].flatMap((folder) => filesIn(`packages/${name}/${folder}`))
)

/** Entry points: their folder is their name. */
const entries = new Set(["index.ts", "main.ts"])

/** Tests of several files at once, by their subject. */
const ofSeveral = new Set([
  "Deploy",
  "ExactNumbers",
  "Exports",
  "Finished",
  "Foreign",
  "Laws",
  "Life",
  "Sources",
  "SyncCases",
  "Versions",
  "Wire"
])

describe("names of files", () => {
  it("are unique, whatever the case of their letters", () => {
    const places = new Map<string, Array<string>>()
    for (const file of files) {
      const name = basename(file).toLowerCase()
      if (entries.has(name)) continue
      places.set(name, [...(places.get(name) ?? []), file])
    }
    assert.isAbove(places.size, 400)
    const doubles = [...places].filter(([, { length }]) => length > 1)
    assert.deepStrictEqual(doubles, [])
  })

  it("are followed by a sentence that says what the file is, in each internal file", () => {
    const internal = files.filter((file) => file.includes("/src/") && file.includes("/internal/"))
    assert.isAbove(internal.length, 150)
    const silent = internal.filter((file) => !/^\/\*\*[ \n]/.test(readFileSync(join(root, file), "utf8")))
    assert.deepStrictEqual(silent, [])
  })

  it("of tests begin with that of a source file or a helper", () => {
    const sources = new Set(files.flatMap((file) => (file.endsWith(".test.ts") ? [] : [basename(file, ".ts")])))
    const strangers = files.filter((file) => {
      if (!file.endsWith(".test.ts")) return false
      const [name = ""] = basename(file).split(".")
      return !sources.has(name) && !ofSeveral.has(name)
    })
    assert.deepStrictEqual(strangers, [])
  })
})
