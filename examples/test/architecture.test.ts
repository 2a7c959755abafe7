/** The map for contributors leads to files that exist. */
import { assert, describe, it } from "vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/architecture.md"), "utf8")

/** Where a path may begin. */
const places = [
  "",
  "packages/core/src",
  "packages/core/src/sink",
  "packages/cli/src",
  "packages/core/test/torture",
  "packages/core/test/transform"
]

/** Parts of the path that stand for a name of one's own. */
const own = /\b(?:Name|Verb|kind)\b|\bName(?:Sink|Command)\b/

describe("docs/architecture.md", () => {
  it("names files and folders that exist", () => {
    const named = Array.from(page.matchAll(/`([\w.@-]+(?:\/[\w.@-]+)*(?:\.ts|\/))`/g), ([, path = ""]) => path)
    const paths = [...new Set(named)].filter((path) => !own.test(path) && path.includes("/"))
    assert.isAbove(paths.length, 40)
    const lost = paths.filter((path) => !places.some((place) => existsSync(join(root, place, path))))
    // Folders that each kind has.
    const general = new Set(["internal/"])
    assert.deepStrictEqual(
      lost.filter((path) => !general.has(path)),
      []
    )
  })
})
