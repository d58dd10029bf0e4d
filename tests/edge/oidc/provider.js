// An OpenID provider for tests: `node provider.js <where the client is>`. It prints its address, and takes new keys on
// POST /test/rotate; the old ones are gone then. Whoever signs in with any password is taken at their word.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const client = process.argv[2];

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

function newProvider(issuer) {
  const provider = new Provider(issuer, {
    jwks: { keys: [newKey()] },
    clients: [
      {
        client_id: 'linju',
        client_secret: 'a secret of the tests, 32 bytes+',
        redirect_uris: [`${client}/auth/oidc/callback`],
        post_logout_redirect_uris: [`${client}/`],
        backchannel_logout_uri: `${client}/auth/oidc/logout`,
        backchannel_logout_session_required: true,
      },
    ],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: id,
        groups: id.startsWith('grid') ? ['grid-workers'] : ['visitors'],
      }),
    }),
    cookies: { keys: ['tests'] },
    // It guards against being sent to hosts of its own network, which in a test is where the client is.
    fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options),
    features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
  });
  provider.on('backchannel.error', (_, error) => console.error(error));
  provider.on('server_error', (_, error) => console.error(error));
  return provider.callback();
}

let handle;
const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/test/rotate') {
    handle = newProvider(issuer());
    response.end();
    return;
  }
  handle(request, response);
});
const issuer = () => `http://127.0.0.1:${server.address().port}`;
server.listen(0, '127.0.0.1', () => {
  handle = newProvider(issuer());
  console.log(issuer());
});
