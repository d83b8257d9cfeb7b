"""Lines that look like secrets and are none, as real files have them: the negatives of tools/secret_lines.py.

Each writer takes a random generator and the names of variables that hold secrets elsewhere. None knows a pattern of
rules/secrets: a line stands here because such lines stand in repositories.
"""

import base64
import json
import string
import struct
import uuid

HEX, DIGITS, LOWER = "0123456789abcdef", string.digits, string.ascii_lowercase
ALNUM = string.ascii_letters + string.digits
WORDS = (
    "model loader config tensor weights batch learning rate token user server client request response image dataset "
    "pipeline layer attention encoder decoder training output hidden value query session account project service region"
).split()
MODELS = (
    "meta-llama/Llama-3.1-8B-Instruct mistralai/Mistral-7B-Instruct-v0.3 openai/whisper-large-v3 google/gemma-2-9b-it "
    "stabilityai/stable-diffusion-xl-base-1.0 sentence-transformers/all-MiniLM-L6-v2 Qwen/Qwen2.5-7B-Instruct-GGUF "
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B cohere/c4ai-command-r-v01 microsoft/Phi-3.5-mini-instruct "
    "claude-3-5-sonnet-20241022 gpt-4o-mini-2024-07-18 text-embedding-3-large jina-embeddings-v3-base-en voyage-3-large"
).split()
PROJECTS = "wandb openai cohere datadog twilio github cloudflare stripe sentry mistral pinecone deepgram kaggle heroku".split()


def chars(rng, alphabet, count):
    return "".join(rng.choices(alphabet, k=count))


def sha1(rng):
    return chars(rng, HEX, 40)


def sha256(rng):
    return chars(rng, HEX, 64)


def md5(rng):
    return chars(rng, HEX, 32)


def uuid4(rng):
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def b64(rng, count):
    return base64.b64encode(rng.randbytes(count)).decode()


def identifier(rng, words=4):
    return "_".join(rng.choices(WORDS, k=words))


def camel(rng, words=4):
    first, *rest = rng.choices(WORDS, k=words)
    return first + "".join(word.capitalize() for word in rest)


PLACEHOLDERS = (
    "YOUR_API_KEY", "your-api-key-here", "<YOUR_TOKEN>", "<token>", "${TOKEN}", "$TOKEN", "{{ token }}",
    "xxxxxxxxxxxxxxxx", "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "changeme", "CHANGE_ME", "REPLACE_ME",
    "replace-with-your-key", "***", "****************", "...", "sk-...", "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
    "sk-your-openai-key", "sk-proj-xxxxxxxxxxxxxxxxxxxx", "hf_...", "hf_xxx", "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "hf_your_token_here", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "[REDACTED]", "ghp_your_personal_access_token",
    "sk-ant-api03-your-key", "insert_key_here", "none", "null", "None", "\"\"", "''", "TODO", "dummy",
    "dummy-key-for-tests", "fake_token_1234", "test", "test-api-key", "example-token", "notarealkey", "<redacted>",
    "0000000000000000000000000000000000000000", "11111111-2222-3333-4444-555555555555",
    "1234567890abcdef1234567890abcdef", "0123456789abcdef0123456789abcdef01234567",
    "00000000-0000-0000-0000-000000000000", "abc123abc123abc123abc123abc123ab", "deadbeefdeadbeefdeadbeefdeadbeef",
    "AKIAIOSFODNN7" + "EXAMPLE", "AKIAXXXXXXXXXXXXXXXX", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", "s3cr3t",
    "secret", "password", "hunter2", "mysecretkey", "my-secret-token", "your_secret_key_goes_here_32chars",
    "(see vault)", "AIzaSyXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "xoxb-your-bot-token", "sk_test_your_key",
    "pk.your.public.key", "eyJhbGciOi...", "secret-key-goes-here-please-1", "<paste your key>", "@@API_KEY@@",
    "%API_KEY%", "__API_KEY__", "#{api_key}", "$(API_KEY)",
)
PLACEHOLDER_SHAPES = (
    "{n}={v}", '{n}="{v}"', "export {n}={v}", "{l}: {v}", '  "{n}": "{v}",', 'os.environ["{n}"] = "{v}"',
    "{l} = '{v}'", 'client = Client({l}="{v}")', "ENV {n}={v}", "- `{n}`: `{v}`", "--{k} {v}",
    "docker run -e {n}={v} app", "  - {n}={v}", "const {l} = '{v}';", '{n} = os.getenv("{n}", "{v}")', "+{n}={v}",
    "# {n}={v}",
)


def placeholder(rng, names):
    name = rng.choice(names)
    shape = rng.choice(PLACEHOLDER_SHAPES)
    return shape.format(n=name, l=name.lower(), k=name.lower().replace("_", "-"), v=rng.choice(PLACEHOLDERS))


REFERENCES = (
    'os.environ["{n}"]', 'os.getenv("{n}")', "process.env.{n}", 'System.getenv("{n}")', "${{{{ secrets.{n} }}}}",
    "${{{n}:-}}", "${n}", "vault:secret/data/prod#{l}", "op://Production/{l}/credential",
    "{{{{ .Values.secrets.{c} }}}}", "!Ref {n}", "var.{l}", "ENV.fetch('{n}')", 'userdata.get("{n}")',
    'st.secrets["{n}"]', 'getpass("{n}: ")', "config.get('secrets', '{l}')",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:{l}-AbCdEf",
    "data.aws_secretsmanager_secret_version.{l}.secret_string",
    "@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/{k}/)", "settings.{n}", "self.{l}",
    "args.{l}", 'dbutils.secrets.get(scope="prod", key="{k}")', "projects/123456789/secrets/{k}/versions/latest",
    "/run/secrets/{l}", 'Deno.env.get("{n}")', "env::var(\"{n}\")?", "credentials('{k}')",
    "keyring.get_password('app', '{l}')",
)


def reference(rng, names):
    """Code that fetches a secret from where it belongs."""
    name = rng.choice(names)
    words = {"n": name, "l": name.lower(), "k": name.lower().replace("_", "-"), "c": name.lower().replace("_", "")}
    value = rng.choice(REFERENCES).format(**words)
    return rng.choice((
        "{l} = {v}", "{n}: {v}", "{n}={v}", '  {l}: "{v}",', "client = Client(api_key={v})", "{l}={v},",
    )).format(v=value, **words)


def commit(rng, _):
    return rng.choice((
        f"commit {sha1(rng)}", f"      - uses: actions/checkout@{sha1(rng)} # v4.1.1", f'  revision="{sha1(rng)}",',
        f"git+https://github.com/huggingface/transformers@{sha1(rng)}", f"Subproject commit {sha1(rng)}",
        f"index {sha1(rng)[:7]}..{sha1(rng)[:7]} 100644", f"{sha1(rng)} refs/heads/main",
        f'"_commit_hash": "{sha1(rng)}",', f"https://huggingface.co/org/model/resolve/{sha1(rng)}/model.safetensors",
        f"git checkout {sha1(rng)}", f"parent {sha1(rng)}", f"Merge: {sha1(rng)[:9]} {sha1(rng)[:9]}",
        f"GIT_SHA={sha1(rng)}", f"COMMIT_SHA: {sha1(rng)}", f"snapshots/{sha1(rng)}/config.json",
        f"pick {sha1(rng)[:12]} Fix token refresh", f"cherry picked from commit {sha1(rng)}",
    ))


def issuer_commit(rng, _):
    """Commits and sums beside the names of issuers."""
    p = rng.choice(PROJECTS)
    return rng.choice((
        f"pip install git+https://github.com/{p}/{p}-python@{sha1(rng)}",
        f"{p}=={rng.randrange(1, 9)}.{rng.randrange(20)}.0 --hash=sha256:{sha256(rng)}",
        f"FROM {p}/agent@sha256:{sha256(rng)}", f"https://github.com/{p}/{p}/commit/{sha1(rng)}",
        f'"{p}": {{"sha": "{sha1(rng)}"}}', f"{p.upper()}_SDK_COMMIT={sha1(rng)}", f"{p}_sha256: {sha256(rng)}",
        f"# {p} v2 checksum {md5(rng)}", f"{p}-client-{rng.randrange(9)}.2.tar.gz {sha256(rng)}",
        f"uses: {p}/login-action@{sha1(rng)}",
        f"https://files.pythonhosted.org/packages/ab/cd/{sha256(rng)[:60]}/{p}-1.2.tar.gz",
        f"{p}_build_id = \"{uuid4(rng)}\"", f"https://{p}.com/docs/{uuid4(rng)}", f"{p} request id: {uuid4(rng)}",
        f"{p.upper()}_PROJECT_ID={uuid4(rng)}", f"{p.upper()}_MD5={md5(rng)}",
    ))


def digest(rng, _):
    return rng.choice((
        f"{sha256(rng)}  model-00001-of-00004.safetensors", f"{md5(rng)} *pytorch_model.bin", f"sha256:{sha256(rng)}",
        f"oid sha256:{sha256(rng)}", f"image: ghcr.io/acme/app@sha256:{sha256(rng)}", f'ETag: "{md5(rng)}"',
        f"    --hash=sha256:{sha256(rng)} \\", f'"sha256": "{sha256(rng)}",', f"SHA-256 checksum: {sha256(rng)}",
        f"MD5 (weights.bin) = {md5(rng)}", f"Model hash: {sha256(rng)[:10]}, Model: dreamshaper_8",
        f"blob {sha1(rng)}", f'checksum = "{sha256(rng)}"', f"x-amz-content-sha256: {sha256(rng)}",
        f"fingerprint: {':'.join(md5(rng)[i:i+2] for i in range(0, 32, 2))}",
        f"SHA256:{b64(rng, 32).rstrip('=')} user@host (ED25519)", f"digest: sha512:{chars(rng, HEX, 128)}",
        f"X-Content-Hash: {chars(rng, HEX, 128)}",
    ))


def lock(rng, _):
    return rng.choice((
        f'      "integrity": "sha512-{b64(rng, 64)}",',
        f'  resolved "https://registry.yarnpkg.com/lodash/-/lodash-4.17.21.tgz#{sha1(rng)}"',
        f"  integrity sha512-{b64(rng, 64)}", f"golang.org/x/crypto v0.17.0 h1:{b64(rng, 32)}",
        f"golang.org/x/net v0.19.0/go.mod h1:{b64(rng, 32)}",
        f'    {{file = "torch-2.1.2-cp311-none-macosx.whl", hash = "sha256:{sha256(rng)}"}},',
        f'checksum = "{sha256(rng)}"', f"    sha256: {sha256(rng)}",
        f'"resolved": "https://registry.npmjs.org/js-tokens/-/js-tokens-4.0.0.tgz",',
        f"  tokenizers (0.15.0) sha256={sha256(rng)}", f'"pnpm": "sha512.{chars(rng, HEX, 128)}"',
        f'<script src="https://cdn.io/x.js" integrity="sha384-{b64(rng, 48)}" crossorigin="anonymous"></script>',
        f"    - pypi: https://files.pythonhosted.org/packages/{sha256(rng)[:2]}/{sha256(rng)[:60]}/safetensors-0.4.1.tar.gz",
        f'"contentHash": "{b64(rng, 64)}"',
        f"http_archive(sha256 = \"{sha256(rng)}\", urls = [\"https://github.com/acme/x/archive/{sha1(rng)}.zip\"])",
        f"narHash = \"sha256-{b64(rng, 32)}\";",
    ))


def uuids(rng, _):
    u = uuid4(rng)
    return rng.choice((
        f'"id": "{u}",', f"request_id={u}", f'"tenantId": "{u}"', f"trace_id: {u}", f"X-Request-Id: {u}",
        f"session {u} closed", f'client_id = "{u}"', f"    <ProjectGuid>{{{u.upper()}}}</ProjectGuid>",
        f"subscription: /subscriptions/{u}/resourceGroups/rg", f"uuid = '{u}'", f"/v1/users/{u}/tokens",
        f'"jti": "{u}"', f"correlationId={u}", f"AZURE_TENANT_ID={u}", f"AZURE_CLIENT_ID={u}", f"cell_id: {u}",
        f'"cell_id": "{u[:8]}{u[9:13]}",', f"UUID={u} /boot ext4",
        f"traceparent: 00-{md5(rng)}-{chars(rng, HEX, 16)}-01", f"SCW_DEFAULT_PROJECT_ID={u}",
        f"notion page {u.replace('-', '')}", f'"deploymentId": "{u}",',
    ))


def models(rng, _):
    m = rng.choice(MODELS)
    return rng.choice((
        f'model = AutoModel.from_pretrained("{m}")', f"model: {m}", f'"_name_or_path": "{m}",', f"MODEL_ID={m}",
        f"huggingface-cli download {m} --local-dir ./m",
        f'tokenizer = AutoTokenizer.from_pretrained("{m}", token=True)', f"TOKENIZER={m}", f"base_model: {m}",
        f'client.chat(model="{m}", max_tokens=4096)', f"https://huggingface.co/{m}/resolve/main/tokenizer.json",
        f"openai:{m}", f'"secret_model_name": "{m}"', f"| {m} | 71.2 | 83.4 |", f"api_key_model={m}",
    ))


def tokens_of_text(rng, _):
    w, n = rng.choice(WORDS), rng.randrange(50000)
    return rng.choice((
        f'  "\\u0120{w}": {n},', '"bos_token": "<|begin_of_text|>",', f'"eos_token_id": {n},',
        '"pad_token": "[PAD]",', "max_new_tokens=4096,", f"num_tokens = {n}",
        '"special_tokens_map_file": "/root/.cache/huggingface/special_tokens_map.json",',
        '"tokenizer_class": "LlamaTokenizerFast",', "token_type_ids = None",
        '"chat_template": "{% for message in messages %}{{ message.role }}{% endfor %}",',
        "tokens = tokenizer(text, return_tensors='pt')", "add_bos_token: true",
        f'"unk_token": "<unk>", "sep_token": "</s>"', f"total_tokens: {n}, prompt_tokens: {n // 2}",
        "token_embedding.weight", "text_model.embeddings.token_embedding.weight", f'["{w}", "##{w[:3]}", "{w}{n}"],',
        f"merges: {w[:2]} {w[2:]}", 'next_page_token = "CAoQAA"',
        f'"additional_special_tokens": ["<extra_id_{n % 99}>"]',
    ))


def weights(rng, _):
    floats = b"".join(struct.pack("<f", rng.gauss(0, 0.05)) for _ in range(rng.randrange(24, 120)))
    text = base64.b64encode(floats).decode()
    return rng.choice((
        text, f'"data": "{text}",', f"tensor: {text}", f'weights = base64.b64decode("{text}")',
        f'"embedding": "{text}"', f"state_dict_b64={text}", text.replace("+", "-").replace("/", "_"),
        f'"raw_data": "{text}",', f"rawData: {text}",
    ))


def media(rng, _):
    return rng.choice((
        f'"image/png": "iVBORw0KGgoAAAANSUhEUgAA{b64(rng, 90)}",',
        f"background: url(data:image/png;base64,iVBORw0KGgo{b64(rng, 60)});",
        f"src: url(data:font/woff2;base64,d09GMgAB{b64(rng, 90)}) format('woff2');",
        f'<img src="data:image/jpeg;base64,/9j/4AAQSkZJRg{b64(rng, 72)}">',
        f"//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjoz{b64(rng, 60)}",
        f'"audio": "UklGR{b64(rng, 66)}"', f"begin 644 x\nM{chars(rng, string.ascii_uppercase + DIGITS, 60)}",
        f"data:application/wasm;base64,AGFzbQEAAAA{b64(rng, 90)}",
    ))


def minified(rng, _):
    v = [chars(rng, LOWER, 1) for _ in range(8)]
    return rng.choice((
        f"!function({v[0]},{v[1]}){{var {v[2]}={v[0]}.token||{{}};{v[3]}=function({v[4]}){{return {v[4]}.key}}}}(this,{{}});",
        f"<script src=\"/static/js/main.{md5(rng)[:8]}.js\"></script>", f'"./{identifier(rng)}.js":"{md5(rng)[:20]}"',
        f"webpackChunk.push([[{rng.randrange(999)}],{{{rng.randrange(9999)}:(e,t,n)=>{{n.d(t,{{Z:()=>{v[0]}}})}}}}]);",
        f'"mappings":"{";".join(chars(rng, "ACEGIKMOQSUWYacegikmoqsuwy", rng.randrange(4, 9)) for _ in range(20))}"',
        f"const n=Object.freeze({{secret:\"{camel(rng)}\",token:\"{camel(rng)}\"}});",
        f"var t=e.password,r=e.passwordConfirm;if(t!==r)throw Error(\"mismatch\")",
        f"_.{chars(rng, ALNUM, 3)}={chars(rng, ALNUM, 2)}=>{chars(rng, ALNUM, 2)}(\"{camel(rng)}\")",
        f'e.exports={{apiKey:process.env.KEY,secretKey:n("{chars(rng, HEX, 4)}")}}',
        f".css-{chars(rng, LOWER + DIGITS, 7)}{{color:#{chars(rng, HEX, 6)};background:#{chars(rng, HEX, 8)}}}",
        f'<div class="sc-{chars(rng, ALNUM, 6)} {chars(rng, ALNUM, 6)}" data-token="{identifier(rng, 2)}">',
        f"--primary: #{chars(rng, HEX, 6)}; --accent: hsl({rng.randrange(360)} 80% 40%);",
    ))


def code(rng, _):
    a, b, c = identifier(rng, 3), camel(rng), identifier(rng, 2)
    return rng.choice((
        f"def test_{a}_returns_{c}_when_token_is_expired(self):", f"{a} = get_{c}(secret_key={c}_key)",
        f"token = self.{c}.{b}(token=token)", f"password = getpass.getpass('Password: ')",
        f"if password != confirm_password: raise ValueError('{c}')", f"self.api_key = api_key or {a.upper()}",
        f"public String get{b.capitalize()}Secret() {{ return {b}; }}",
        f"secret_name = \"prod/{c.replace('_', '-')}/database-credentials\"",
        f"key = f\"{{{c}}}:{{{a}}}:access_token\"", f'"{a}_token": "{b}",',
        f"private_key_path = '/etc/ssl/private/{c}.key'",
        f"api_key: str = Field(..., description='{c} key used for {a}')",
        f"TOKEN_URL = 'https://auth.acme.io/oauth2/token/{c}'", f"password_hash = bcrypt.hashpw(password, salt)",
        f"kubectl create secret generic {c.replace('_', '-')} --from-file=token=./token.txt",
        f"SECRET_NAME={c.replace('_', '-')}-tls-certificate-v2", f"secretKeyRef: {{name: {c}, key: api-key}}",
        f"tokenizer_{c} = Tokenizer2.from_file('{a}.json')",
        f"return jwt.encode(payload, settings.SECRET_KEY, algorithm='HS256')",
        f"'password' => ['required', 'string', 'min:12', 'confirmed'],",
        f"assert response.json()['access_token'] == {c}_token",
        f"PASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher']",
        f"passwordEncoder = new BCryptPasswordEncoder(12);", f"@Value(\"${{{c}.api.key}}\") private String {b}Key;",
        f"CREATE USER {c} WITH PASSWORD :password;", f"api-key-rotation-lambda-{c.replace('_', '-')}-2",
        f"credential_process = /opt/bin/{c} --profile prod2",
    ))


def prose(rng, _):
    c = rng.choice(WORDS)
    return rng.choice((
        "Enter your password to continue.", "The password must have at least 8 characters, one digit and a symbol.",
        "Get your API key at https://platform.openai.com/api-keys",
        f"Set the `OPENAI_API_KEY` environment variable before running the {c} example.",
        "Your token starts with `hf_` and can be found in your settings.",
        "Basic understanding of neural networks is required.", "Keys look like sk-ant-api03-... and are shown once.",
        "The bearer of this token may read all repositories.",
        "curl https://api.acme.io -H 'Authorization: Bearer $TOKEN'",
        '<input type="password" name="password" placeholder="Password123!">', "msgid \"Forgot your password?\"",
        "password: the password of the database user", "secret: a Kubernetes secret with the key `api-key`",
        "We rotate the signing key every 90 days.", "| `token` | string | The access token of the user |",
        "Authorization: Bearer <your token>", "Authorization: Basic <base64 of user:password>",
        "API key: ask the platform team in #help", "Access key management is described in RFC 7517.",
        f"The {c} secret of good sleep: no screens.", '"password": "Password (8 characters or more)",',
        'label: "Secret key (optional)"', "Please enter the 6-digit code: 482913",
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE...your key...\n-----END PRIVATE KEY-----",
        "export AWS_ACCESS_KEY_ID=<your access key id>", "See `sk-proj-` keys under Projects.",
        "machine api.acme.io login <user> password <token>",
    ))


def public_keys(rng, _):
    lines64 = lambda n: "\n".join(b64(rng, 48) for _ in range(n))
    return rng.choice((
        f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{b64(rng, 33)[:43]} me@laptop",
        f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ{b64(rng, 300)} ci@acme",
        f"github.com ssh-rsa AAAAB3NzaC1yc2E{b64(rng, 270)}",
        f"-----BEGIN CERTIFICATE-----\nMIID{lines64(6)}\n-----END CERTIFICATE-----",
        f"-----BEGIN PUBLIC KEY-----\nMIIB{lines64(5)}\n-----END PUBLIC KEY-----",
        f"-----BEGIN PGP SIGNATURE-----\n\niQEz{lines64(5)}\n-----END PGP SIGNATURE-----",
        f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQEN{lines64(6)}\n-----END PGP PUBLIC KEY BLOCK-----",
        f"PublicKey = {b64(rng, 32)}", f"age1{chars(rng, 'qpzry9x8gf2tvdw0s3jn54khce6mua7l', 58)}",
        f"publishable: pk_live_51{chars(rng, ALNUM, 97)}", f"LANGFUSE_PUBLIC_KEY=pk-lf-{uuid4(rng)}",
        f"SUPABASE_PUBLISHABLE_KEY=sb_publishable_{chars(rng, ALNUM, 22)}_{chars(rng, ALNUM, 8)}",
        f"POSTHOG_KEY=phc_{chars(rng, ALNUM, 43)}", f'data-sitekey="6Le{chars(rng, ALNUM, 37)}"',
        f"SENTRY_DSN=https://{md5(rng)}@o{chars(rng, DIGITS, 6)}.ingest.sentry.io/{chars(rng, DIGITS, 7)}",
        f'{{"kty":"EC","crv":"P-256","x":"{b64(rng, 32)[:43]}","y":"{b64(rng, 32)[:43]}"}}',
        f"npub1{chars(rng, 'qpzry9x8gf2tvdw0s3jn54khce6mua7l', 58)}", f"xpub{chars(rng, ALNUM, 107)}",
        f"client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t{b64(rng, 300)}",
        f"DKIM p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB{b64(rng, 120)}",
    ))


def password_hashes(rng, _):
    bcrypt = f"$2b$12${chars(rng, ALNUM + './', 53)}"
    return rng.choice((
        f'"password": "{bcrypt}",', f"password_hash: {bcrypt}",
        f"admin:$apr1${chars(rng, ALNUM, 8)}${chars(rng, ALNUM, 22)}",
        f"root:$6${chars(rng, ALNUM, 16)}${chars(rng, ALNUM, 86)}:19000:0:99999:7:::",
        f"userPassword: {{SSHA}}{b64(rng, 24)}", f"pbkdf2_sha256$600000${chars(rng, ALNUM, 22)}${b64(rng, 32)}",
        f"$argon2id$v=19$m=65536,t=3,p=4${b64(rng, 16).rstrip('=')}${b64(rng, 32).rstrip('=')}",
        f"password_sha256 = {sha256(rng)}", f"INSERT INTO users (password_digest) VALUES ('{bcrypt}');",
        f"encrypted_password: ENC[AES256_GCM,data:{b64(rng, 12)},iv:{b64(rng, 32)},tag:{b64(rng, 16)}]",
        f"secure: \"{b64(rng, 128)}\"", "$ANSIBLE_VAULT;1.1;AES256\n" + chars(rng, DIGITS, 80),
    ))


def database_links(rng, _):
    w = rng.choice(WORDS)
    return rng.choice((
        "postgres://postgres:postgres@localhost:5432/postgres", "postgresql://user:password@localhost/db",
        f"postgresql://db.{w}.io:5432/prod", "mysql://root:root@127.0.0.1:3306/app", "redis://localhost:6379/0",
        "DATABASE_URL=postgres://${DB_USER}:${DB_PASS}@${DB_HOST}/app", "mongodb://localhost:27017/test",
        "amqp://guest:guest@rabbitmq:5672//", "sqlite:////var/lib/app.db",
        f"DATABASE_URL=postgres://app:<password>@db.{w}.io/prod",
        "Server=localhost;Database=app;Trusted_Connection=True;",
        "Server=db;Database=app;User Id=sa;Password=$(SA_PASSWORD);",
        f"jdbc:postgresql://db.{w}.io:5432/app?sslmode=require", "redis://:password@redis:6379",
        "mongodb+srv://<username>:<password>@cluster0.mongodb.net", f"git@github.com:acme/{w}.git",
        f"ssh://git@github.com/acme/{w}.git", f"https://registry.npmjs.org:443/@types/{w}",
        f"rsync -a deploy@{w}.io:/srv/{w} .", f"https://{w}.io:8443/login?next=/@me", "http://user:pass@example.com/",
        f"mailto:{w}@acme.io",
        "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVE" + "rCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;",
    ))


def chain(rng, _):
    return rng.choice((
        f"0x{sha256(rng)}", f"txHash: 0x{sha256(rng)}", f"contract at 0x{sha1(rng)}", f'"address": "0x{sha1(rng)}",',
        f"bc1q{chars(rng, 'qpzry9x8gf2tvdw0s3jn54khce6mua7l', 38)}", f"ipfs://Qm{chars(rng, ALNUM, 44)}",
        f"https://etherscan.io/tx/0x{sha256(rng)}", f"{chars(rng, LOWER + '234567', 56)}.onion",
        f"bafybei{chars(rng, LOWER + '234567', 52)}", f"block_hash=0x{sha256(rng)}",
        f"INFURA network mainnet block 0x{sha256(rng)}",
    ))


def logs(rng, _):
    return rng.choice((
        f"INFO wandb run https://wandb.ai/team/proj/runs/{chars(rng, LOWER + DIGITS, 8)}",
        f"wandb: Syncing run {rng.choice(WORDS)}-{rng.choice(WORDS)}-{rng.randrange(900)}",
        f"[{sha1(rng)[:12]}] loss=0.{chars(rng, DIGITS, 8)} lr=1e-4",
        f'10.0.0.1 - - "GET /api/keys?page=2 HTTP/1.1" 200 {rng.randrange(9999)}',
        f"cf-ray: {chars(rng, HEX, 16)}-FRA", f"x-amz-request-id: {chars(rng, string.ascii_uppercase + DIGITS, 16)}",
        f"x-amz-id-2: {b64(rng, 57)}", f"mlflow run {md5(rng)} finished", f"container {sha256(rng)[:12]} started",
        f"dd.trace_id={rng.getrandbits(63)} dd.span_id={rng.getrandbits(63)}",
        f"task {uuid4(rng)} succeeded in 0.{chars(rng, DIGITS, 6)}s",
        f"openai-processing-ms: 412, x-request-id: req_{md5(rng)}", f"chatcmpl-{chars(rng, ALNUM, 29)}",
        f"msg_01{chars(rng, ALNUM, 22)}", f"file-{chars(rng, ALNUM, 24)} uploaded",
        f"asst_{chars(rng, ALNUM, 24)} thread_{chars(rng, ALNUM, 24)}",
        f"cus_{chars(rng, ALNUM, 14)} paid pi_{chars(rng, ALNUM, 24)}",
        f"arn:aws:iam::{chars(rng, DIGITS, 12)}:role/ci AROA{chars(rng, string.ascii_uppercase + '234567', 16)}",
        f"job {chars(rng, DIGITS, 19)} on i-{chars(rng, HEX, 17)}",
        f"vpc-{chars(rng, HEX, 17)} subnet-{chars(rng, HEX, 17)}",
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20240101T000000Z&X-Amz-Expires=3600&X-Amz-Signature={sha256(rng)}",
        f"token usage: prompt={rng.randrange(999)} completion={rng.randrange(999)}",
        f"auth failed for user {rng.choice(WORDS)} (token expired)",
    ))


def identifiers(rng, _):
    return rng.choice((
        f"{chars(rng, ALNUM, 20)}", f'"key": "{chars(rng, ALNUM, 12)}",', f"id={chars(rng, ALNUM, 16)}",
        f"https://youtu.be/{chars(rng, ALNUM, 11)}",
        f"doi:10.{rng.randrange(9999)}/{chars(rng, LOWER, 8)}.{rng.randrange(999)}",
        f"Serial: {chars(rng, string.ascii_uppercase + DIGITS, 16)}",
        f"mac {':'.join(chars(rng, HEX, 2) for _ in range(6))}",
        f"2001:db8:{chars(rng, HEX, 4)}:{chars(rng, HEX, 4)}::1",
        f"GTM-{chars(rng, string.ascii_uppercase + DIGITS, 7)} G-{chars(rng, string.ascii_uppercase + DIGITS, 10)}",
        f"price_1{chars(rng, ALNUM, 23)}", f'"slug": "{identifier(rng, 3).replace("_", "-")}-{chars(rng, HEX, 8)}"',
        f"s3://acme-models/{identifier(rng)}/{md5(rng)}/part-0001", f"gs://bucket/{uuid4(rng)}.tar",
        f"nonce={chars(rng, ALNUM, 16)}", f"cache-key: {identifier(rng)}-{sha256(rng)[:20]}",
        f"csrf_token: {chars(rng, ALNUM, 32)}", f'"cursor": "{b64(rng, 24)}"', f"next_page_token={b64(rng, 30)}",
        f"continuation_token: {chars(rng, ALNUM, 40)}", f"publicKeyToken={chars(rng, HEX, 16)}",
        f"Culture=neutral, PublicKeyToken=b77a5c561934e089",
        f"ASIN B0{chars(rng, string.ascii_uppercase + DIGITS, 8)}", f"{chars(rng, DIGITS, 16)}",
        f"tracking 1Z{chars(rng, string.ascii_uppercase + DIGITS, 16)}",
        f"v{rng.randrange(9)}.{rng.randrange(99)}.{rng.randrange(99)}+{md5(rng)[:7]}",
        f"build-{chars(rng, DIGITS, 8)}.{chars(rng, HEX, 10)}",
    ))


def near_misses(rng, _):
    """Values with an issuer's prefix that are none of its secrets."""
    return rng.choice((
        f"hf_{chars(rng, LOWER, 12)}_download", "from huggingface_hub import hf_hub_download, hf_hub_url",
        "hf_transfer==0.1.4", f"task-{chars(rng, ALNUM, 20)}", f"sk-learn-{rng.choice(WORDS)}-extensions",
        f"ghp_import -n -p -f docs/_build/html", f"ghp_{chars(rng, ALNUM, 36)}", f"gho_{chars(rng, ALNUM, 36)}",
        f"npm_{chars(rng, ALNUM, 36)}", "npm_config_registry=https://registry.npmjs.org/", "npm_package_version",
        f"sk_buff *skb = alloc_skb({rng.randrange(999)}, GFP_KERNEL);", f"re_{identifier(rng, 5)}",
        f"eyJ{chars(rng, ALNUM, 30)}",
        f"eyJ{chars(rng, ALNUM, 40)}.eyJ{chars(rng, ALNUM, 60)}.{chars(rng, ALNUM, 43)}",
        f"pat{rng.choice(WORDS)}.{rng.choice(WORDS)}", f"SG.{rng.choice(WORDS)}",
        f"key-{rng.choice(WORDS)}-{rng.randrange(9999)}", f"xapp-{rng.choice(WORDS)}",
        f"dapi_{rng.choice(WORDS)}_client", f"r8_{rng.choice(WORDS)}_layers", f"fw_{identifier(rng, 3)}",
        f"gsk_{identifier(rng, 4)}", f"AKIA{chars(rng, string.ascii_uppercase, 8)}", f"cio{chars(rng, LOWER, 9)}",
        f"pul-{rng.choice(WORDS)}", f"AIza{rng.choice(WORDS)}", f"glpat-{rng.choice(WORDS)}",
        f"ls__{rng.choice(WORDS)}", f"live_{rng.choice(WORDS)}_stream", f"pk_{chars(rng, LOWER, 10)}",
        f"rk_live_{rng.choice(WORDS)}", f"secret_{identifier(rng, 3)}",
        f"https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        f"xoxb-not-a-real-token-{rng.choice(WORDS)}", f"whsec_{rng.choice(WORDS)}", f"shpat_{rng.choice(WORDS)}",
        f"AGE-SECRET-KEY-1{'Q' * 58}", f"AGE-SECRET-KEY-1{chars(rng, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L', 58)}",
    ))


def document_example(rng, _):
    """What documentation shows: the token of jwt.io, keys of emulators, keys of guides."""
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
    jwt_io = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': '1234567890', 'name': 'John Doe', 'iat': 1516239022})}"
    signature = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_" + "adQssw5c"
    return rng.choice((
        f"Authorization: Bearer {jwt_io}.{signature}", f'"token": "{jwt_io}.{signature}"',
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
        "aws_access_key_id=AKIAI44QH8DHB" + "EXAMPLE", "stripe.api_key = 'sk_test_" + "4eC39HqLyjWDarjtT1zdp7dc'",
        "SG.xxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "Authorization: Basic dXNlcjpwYXNzd29yZA==", "kubeadm join 10.0.0.1:6443 --token abcdef.0123456789abcdef",
        "SECRET_KEY = 'django-insecure-change-me-in-production-please-0123456789abcdef'",
        "TWILIO_ACCOUNT_SID=ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "TELEGRAM_TOKEN=123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
        "npm config set //registry.npmjs.org/:_authToken=${NPM_TOKEN}",
        "PRIVATE_KEY=0x0000000000000000000000000000000000000000000000000000000000000001",
        "curl -u username:password https://api.acme.io", "DISCORD_TOKEN=your.bot.token",
        "AccountKey=<account-key>;EndpointSuffix=core.windows.net",
        "client_secret=YOUR_CLIENT_SECRET&grant_type=client_credentials",
    ))


WRITERS = {
    "placeholder": placeholder, "placeholder-2": placeholder, "placeholder-3": placeholder, "reference": reference,
    "reference-2": reference, "commit": commit, "issuer-commit": issuer_commit, "digest": digest, "lock": lock,
    "uuid": uuids, "model": models, "tokens-of-text": tokens_of_text, "weights": weights, "media": media,
    "minified": minified, "code": code, "prose": prose, "public-key": public_keys, "password-hash": password_hashes,
    "database-link": database_links, "chain": chain, "log": logs, "identifier": identifiers, "near-miss": near_misses,
    "document-example": document_example,
}
