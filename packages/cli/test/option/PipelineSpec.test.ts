import { assert, describe, it } from "@effect/vitest"
import { jsonSchema } from "../../src/option/PipelineSpec.ts"
import published from "../../pipeline.schema.json" with { type: "json" }

describe("option/PipelineSpec", () => {
  it("is published as JSON Schema: after a change, callstream run --schema > packages/cli/pipeline.schema.json", () => {
    assert.deepStrictEqual<unknown>(published, JSON.parse(JSON.stringify(jsonSchema())))
  })

  it("describes every key to editors", () => {
    const missing: Array<string> = []
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null) return
      for (const [name, inner] of Object.entries(value)) {
        if (name !== "properties") {
          walk(inner, path)
          continue
        }
        for (const [key, property] of Object.entries(inner)) {
          const described = JSON.stringify(property).includes('"description"')
          if (!described && key !== "to") missing.push(`${path}.${key}`)
          walk(property, `${path}.${key}`)
        }
      }
    }
    walk(jsonSchema(), "")
    assert.deepStrictEqual(missing, [])
  })
})
