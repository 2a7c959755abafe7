import { readFile } from "node:fs/promises"
import { describe, it } from "vitest"
import { example } from "./run.ts"

describe("plain", () => {
  it("reads sessions, and ends with the simulator that it started", async ({ expect }) => {
    const { code, stderr, stdout } = await example("plain")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(
      /^\d+ inbound calls, \d+ minutes\nproven until \d{4}-\S+Z\none of more than ten minutes: [0-9a-f-]{36}\n$/
    )
  })

  it.for(["plain", "plain-connect"])("%s imports nothing of Effect", async (name, { expect }) => {
    const source = await readFile(new URL(`../src/${name}.ts`, import.meta.url), "utf8")
    expect(source.match(/from "[^"]+"/g)).not.toContainEqual(expect.stringMatching(/effect/))
  })
})
