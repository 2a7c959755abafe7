/** The same without Effect: promises and `for await`. `node src/plain.ts` */
import { AgniError, createClient } from "@callstream/core"
import { connect } from "./plain-connect.ts"

await using connection = await connect()
await using client = createClient({ apiKey: connection.apiKey, baseUrl: connection.baseUrl })

try {
  let calls = 0
  let seconds = 0
  for await (const session of client.sessions({ status: "completed", channel: "inbound_call" })) {
    calls += 1
    seconds += session.durationSec ?? 0
  }
  console.log(`${calls} inbound calls, ${Math.round(seconds / 60)} minutes`)

  // Leaving the loop stops the reading.
  for await (const session of client.sessions()) {
    if ((session.durationSec ?? 0) < 600) continue
    console.log(`one of more than ten minutes: ${session.id}`)
    break
  }
} catch (error) {
  if (!(error instanceof AgniError)) throw error
  console.error(`${error.reason._tag} after ${error.attempts} attempts: ${error.reason.message}`)
  process.exitCode = 1
}
