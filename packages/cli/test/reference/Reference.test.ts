import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as Options from "../../src/option/Options.ts"
import * as Declared from "../../src/option/Declared.ts"
import { commands } from "./commands.ts"
import { manFile, pageFile } from "./fileTable.ts"
import * as Reference from "./Reference.ts"

/** Without the width of columns, which the formatter decides. */
const loosely = (text: string) => text.replace(/ +/g, " ").replace(/-{3,}/g, "---")

describe("the reference", () => {
  it("docs/cli.md has the tables of today: after a change, pnpm reference", () => {
    const page = readFileSync(pageFile, "utf8")
    const { names, text } = Reference.inPage(page)
    assert.strictEqual(loosely(page), loosely(text))
    const all = commands.flatMap(({ sections }) => sections.map(({ id }) => id))
    assert.deepStrictEqual([...names].sort(), [...all].sort())
  })

  it("the man page is of today: after a change, pnpm reference", () => {
    assert.strictEqual(readFileSync(manFile, "utf8"), Reference.man())
  })

  it("has every option of the table", () => {
    const man = Reference.man().replaceAll("\\-", "-")
    for (const group of [...Object.values(Options.groups), { to: Options.to }]) {
      for (const key of Object.keys(group)) assert.include(man, `.B ${Declared.flagOf(key)}`)
    }
  })
})
