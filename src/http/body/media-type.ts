/** A content type without its parameters, in lower case; '' when there is none. */
export function mediaType(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const semicolon = contentType.indexOf(';');
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

const JSON_TYPE = /^application\/(?:json|[^\s/]*\+json)$/;

/** Whether FastAPI reads a body of this type as JSON: application/json, and what ends with +json (M27). */
export function isJsonType(contentType: string | undefined): boolean {
  return contentType === 'application/json' || JSON_TYPE.test(mediaType(contentType));
}
