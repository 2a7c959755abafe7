/** What is put in parentheses in the published command. */
import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { calledBy, parenthesized } from "../bundle/eager.ts"

const code = `const called=a=>a+1,never=a=>a+2,later=async a=>{await a;return()=>1};
function declared(){return function named(){return called(1)}}
const holder={é:function(){return 1},method(){return(b=>b)(1)},get name(){return 2},never(){return c=>c}};
class Some{field=()=>1;static made(){return new Some}["computed"](){return 1}constructor(){this.computed()}set name(_){}static async*all(){yield 1}}
declared()();holder.é();holder.method();void holder.name;void Some.made().field;new Some().name=1;for await(const _ of Some.all());await later(1);`

const eager = `const called=(a=>a+1),never=a=>a+2,later=(async a=>{await a;return()=>1});
function declared(){return (function named(){return called(1)})}
const holder={é:(function(){return 1}),method(){return((b=>b))(1)},get name(){return 2},never(){return c=>c}};
class Some{field=()=>1;static made(){return new Some}["computed"](){return 1}constructor(){this.computed()}set name(_){}static async*all(){yield 1}}
declared()();holder.é();holder.method();void holder.name;void Some.made().field;new Some().name=1;for await(const _ of Some.all());await later(1);`

describe("functions in parentheses", () => {
  it("are the expressions that were called, and no method", async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "callstream-test-")))
    try {
      const file = join(folder, "main.mjs")
      writeFileSync(file, code)
      const called = await calledBy([file])
      assert.strictEqual(parenthesized(code, called.get(pathToFileURL(file).href) ?? new Set()), eager)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("are not looked for when the program fails", async () => {
    const failed = await calledBy(["--eval", "process.exit(3)"]).then(
      () => undefined,
      (error: unknown) => error
    )
    assert.propertyVal(failed, "code", 3)
  })
})
