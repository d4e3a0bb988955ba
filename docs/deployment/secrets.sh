#!/bin/sh
# Make the secrets that compose.yaml names, in var/deployment. What is there already stays as it is.
# Usage: sh docs/deployment/secrets.sh [HOST]      (the name in the certificate, by default localhost)
set -eu
cd "$(dirname "$0")/../.."
host=${1:-localhost}
folder=var/deployment
# The folder is closed to others. Its files are not: services see each alone, and read it as a user of their own.
mkdir -p "$folder"
chmod 0700 "$folder"
umask 022

keep() { # keep NAME VALUE: it becomes that file, unless there is one. An empty one is none.
    [ -s "$folder/$1" ] || printf '%s' "$2" > "$folder/$1"
}

for name in secret_key key_secrets database_password admin_password; do
    value=$(openssl rand -base64 48) # apart from what follows, so that its failure ends this
    keep "$name" "$(printf '%s' "$value" | tr -d '\n=' | tr '/+' '_-')"
done
password=$(cat "$folder/database_password")
keep database_url "postgres://vestibule:$password@database/vestibule"
keep email_url 'consolemail://'
if [ ! -s "$folder/tls_key" ] || [ ! -s "$folder/tls_certificate" ]; then
    # For trying it out: browsers warn of it. Put yours in these two files.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj "/CN=$host" \
        -addext "subjectAltName=DNS:$host" -keyout "$folder/tls_key" -out "$folder/tls_certificate" 2> /dev/null
    chmod 0644 "$folder/tls_key"
fi
echo "Secrets are in $folder. Write the address of your mail server into $folder/email_url, in place of consolemail://."
echo "The first administrator is admin; the password is in $folder/admin_password."
