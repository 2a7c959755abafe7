import { assert, describe, it } from "@effect/vitest"
import * as Audio from "../../src/recording/internal/Audio.ts"

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

describe("Audio", () => {
  it("knows audio by its first bytes, whatever type the server gives", () => {
    const known = [
      ["RIFF\u0024\u0000\u0000\u0000WAVEfmt ", "wav"],
      ["ID3\u0004", "mp3"],
      ["\u00ff\u00fb\u0090\u0064", "mp3"],
      ["\u00ff\u00f1\u0050\u0080", "aac"],
      ["OggS\u0000", "ogg"],
      ["fLaC\u0000", "flac"],
      ["\u0000\u0000\u0000\u0020ftypM4A ", "m4a"],
      ["\u001a\u0045\u00df\u00a3", "webm"],
      ["#!AMR\n", "amr"]
    ] as const
    for (const [head, extension] of known) {
      for (const type of ["", "audio/mpeg", "application/octet-stream", "text/html"]) {
        assert.strictEqual(Audio.extensionOf(bytes(head), type), extension)
      }
    }
  })

  it("takes audio without a sign by its type, and no page, message or nothing", () => {
    const raw = bytes("\u007f\u00fe\u0012\u0001")
    assert.strictEqual(Audio.extensionOf(raw, "audio/basic"), "au")
    assert.strictEqual(Audio.extensionOf(raw, "audio/x-mulaw"), "audio")
    assert.isUndefined(Audio.extensionOf(raw, "application/octet-stream"))
    for (const text of ["", "<!doctype html>", "  \n<html>", '{"error":1}', "[1]", "\u00ef\u00bb\u00bf<?xml"]) {
      assert.isUndefined(Audio.extensionOf(bytes(text), "audio/mpeg"), text)
    }
  })
})
