/** Signed URLs inside text: everybody with the URL can open it. */

const url = /[A-Za-z][A-Za-z0-9+.-]{1,20}:\/\/[^\s<>"'`{}|\\^]+/g

// What S3, CloudFront, Google, Azure, OSS and the vendor itself sign with.
const secret =
  /[?&;#](?:amp;)?(?:x-(?:amz|goog|oss)-(?:signature|credential|security-token)|signature|sig|token|access_token|key-pair-id|policy|auth|jwt|hmac|hdnts|hdnea|expires|x-amz-expires|se)=/i

/** Cheap, and true for every text that holds a signed URL. */
const mayHold = (text: string): boolean => text.includes("://") && text.includes("=")

/** The text with every signed URL replaced; the same text when there is none. */
export const replace = (text: string, by: (url: string) => string): string =>
  mayHold(text) ? text.replace(url, (found) => (secret.test(found) ? by(found) : found)) : text
