import { ERRORS } from '../core/errors.ts';

export const swaggerPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hookwright API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/init.js"></script>
</body>
</html>
`;

/** A file of its own, as the page allows no inline script. Without \`validatorUrl: null\` the page would ask a server outside. */
export const swaggerInit = `document.documentElement.classList.toggle('dark-mode', matchMedia('(prefers-color-scheme: dark)').matches);
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

/** Where the \`type\` of a problem leads. */
export function errorsPage(): string {
  const sections = Object.entries(ERRORS).map(
    ([code, { status, retryable, title, remedy }]) =>
      `<section id="${code}"><h2><code>${code}</code></h2><p>${escaped(title)}. Status ${status}${retryable ? ', may be tried again' : ''}.</p><p>${escaped(remedy)}</p></section>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Errors of the Hookwright API</title></head>
<body><h1>Errors</h1>
${sections.join('\n')}
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
